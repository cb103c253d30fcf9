import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { parseSentinel } from '../../../../src/archive/catalog/sentinel.ts';
import { collect } from '../../../../src/archive/store/content.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { findBinaries } from '../../../../src/postgres/find-binaries.ts';
import { ArchivedPostgres } from '../postgres.ts';

const run = promisify(execFile);
const signal = AbortSignal.timeout(30 * 60_000);

export interface RestoreOptions {
  /** Where tablespaces go, by oid. */
  readonly tablespaces?: Readonly<Record<string, string>>;
}

/** Unpacks a backup into a server that is ready to recover, by `tar` and `pg_verifybackup`, as a person would. */
export async function restoreByHand(
  archive: WalArchive,
  name: string,
  { tablespaces = {} }: RestoreOptions = {},
): Promise<ArchivedPostgres> {
  const server = await ArchivedPostgres.make();
  const settings = await readFile(join(server.data, 'postgresql.auto.conf'), 'utf8');
  await rm(server.data, { recursive: true });
  await mkdir(join(server.data, 'pg_tblspc'), { recursive: true, mode: 0o700 });
  for (const [oid, location] of Object.entries(tablespaces)) {
    await mkdir(location, { recursive: true });
    await symlink(location, join(server.data, 'pg_tblspc', oid));
  }
  const keys: string[] = [];
  for await (const { key } of archive.store.list(`basebackups_005/${name}/tar_partitions/`, { signal }))
    keys.push(key);
  // As every restore does: nothing can start before the last one.
  keys.sort((a, b) => Number(a.includes('pg_control')) - Number(b.includes('pg_control')));
  for (const key of keys) await unpack(archive, key, server.data);
  const { directory } = await findBinaries(null);
  await run(join(directory, 'pg_verifybackup'), ['-n', server.data]);
  if (Object.keys(tablespaces).length > 0) {
    const map = join(server.data, 'tablespace_map');
    const lines = (await readFile(map, 'utf8')).trimEnd().split('\n');
    const moved = lines.map((line) => `${line.split(' ')[0]} ${tablespaces[line.split(' ')[0] ?? '']}`);
    await writeFile(map, `${moved.join('\n')}\n`);
  }
  await writeFile(join(server.data, 'postgresql.auto.conf'), settings);
  await rm(join(server.data, 'standby.signal'), { force: true });
  return server;
}

export async function sentinelOf(archive: WalArchive, name: string) {
  const { body } = await archive.store.get(`basebackups_005/${name}_backup_stop_sentinel.json`, { signal });
  return parseSentinel((await collect(body)).toString('utf8'));
}

async function unpack({ store, codec }: WalArchive, key: string, directory: string): Promise<void> {
  const { body } = await store.get(key, { signal });
  const tar = spawn('tar', ['-x', '-C', directory], { stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = once(tar, 'exit');
  await pipeline(Readable.from(codec.decode(store.name, key, body)), tar.stdin);
  const [code] = await exited;
  if (code !== 0) throw new Error(`tar -x of ${key} ended with ${code}`);
}
