import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import tar from 'tar-stream';
import type { WalArchive } from '../../../src/archive/wal/push-file.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { lsnBytes } from '../../../src/ha/lsn.ts';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';

const run = promisify(execFile);
const LAST = new Set(['backup_label', 'tablespace_map', 'global/pg_control']);

/** What a backup that was made here is called. */
export interface MadeBackup {
  readonly id: string;
  readonly stopLsn: Lsn;
}

/**
 * A backup by pg_basebackup, laid out in an archive as WAL-G does: what a restore reads, made without any of our own
 * code that takes backups. With tablespaces their files come under `pg_tblspc/`.
 */
export async function layOutBackup(
  server: { readonly port: number },
  archive: WalArchive,
  signal: AbortSignal,
): Promise<MadeBackup> {
  const { directory } = await findBinaries(null);
  const root = await mkdtemp(join(tmpdir(), 'pgwarden-base-'));
  const data = join(root, 'data');
  const startedAt = new Date();
  try {
    const query = "select oid, pg_tablespace_location(oid) as at from pg_tablespace where spcname !~ '^pg_'";
    const listed = await run(join(directory, 'psql'), [
      '-h',
      '127.0.0.1',
      '-p',
      `${server.port}`,
      '-U',
      'postgres',
      '-XAtc',
      query,
      'postgres',
    ]);
    const tablespaces = listed.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('|') as [string, string]);
    const mappings = tablespaces.map(([oid, at]) => `--tablespace-mapping=${at}=${join(root, oid)}`);
    await run(join(directory, 'pg_basebackup'), [
      '-D',
      data,
      '-h',
      '127.0.0.1',
      '-p',
      `${server.port}`,
      '-U',
      'postgres',
      '-X',
      'none',
      '-c',
      'fast',
      '--no-sync',
      ...mappings,
    ]);
    const label = await readFile(join(data, 'backup_label'), 'utf8');
    const [, start = '', file = ''] = /^START WAL LOCATION: (\S+) \(file ([0-9A-F]+)\)/m.exec(label)!;
    const manifest = JSON.parse(await readFile(join(data, 'backup_manifest'), 'utf8'));
    const stopLsn = manifest['WAL-Ranges'][0]['End-LSN'] as Lsn;
    const id = `base_${file}`;
    const control = await run(join(directory, 'pg_controldata'), ['-D', data], { env: { LC_ALL: 'C' } });
    const identifier = /^Database system identifier:\s+(\d+)/m.exec(control.stdout)![1]!;

    const all = (await readdir(data, { recursive: true })).sort();
    const halves: string[][] = [[], []];
    for (const [index, name] of all.entries())
      if (!LAST.has(name) && !name.startsWith('pg_tblspc/')) halves[index % 2]!.push(name);
    const folder = `basebackups_005/${id}/tar_partitions/`;
    const put = async (tarName: string, names: readonly (readonly [string, string])[]): Promise<void> => {
      const key = archive.codec.keyOf(`${folder}${tarName}`);
      await archive.store.put(key, archive.codec.encodeStream(`${folder}${tarName}`, packed(names)), {
        signal,
      });
    };
    const named = (names: readonly string[]) => names.map((name) => [`/${name}`, join(data, name)] as const);
    await put('part_001.tar', named(halves[0]!));
    await put('part_002.tar', named(halves[1]!));
    for (const [index, [oid]] of tablespaces.entries()) {
      const place = join(root, oid);
      const names = (await readdir(place, { recursive: true })).sort();
      await put(
        `part_00${3 + index}.tar`,
        names.map((name) => [`/pg_tblspc/${oid}/${name}`, join(place, name)]),
      );
    }
    const map = tablespaces.map(([oid, at]) => `${oid} ${at}\n`).join('');
    await put('backup_label.tar', [
      ...named(['backup_label']),
      ...(map === '' ? [] : [['tablespace_map', `=${map}`] as const]),
    ]);
    await put('pg_control.tar', named(['global/pg_control']));
    const spec = {
      base_prefix: '/source',
      tablespaces: tablespaces.map(([oid]) => oid),
      ...Object.fromEntries(tablespaces.map(([oid, loc]) => [oid, { loc, link: `pg_tblspc/${oid}` }])),
    };
    const version = Number(await readFile(join(data, 'PG_VERSION'), 'utf8')) * 10_000;
    // The identifier is beyond what a double holds.
    const sentinel = JSON.stringify({
      LSN: lsnBytes(start as Lsn),
      PgVersion: version,
      FinishLSN: lsnBytes(stopLsn),
      SystemIdentifier: 'ID',
      UncompressedSize: 1,
      CompressedSize: 1,
      Spec: tablespaces.length === 0 ? null : spec,
      Version: 2,
      StartTime: startedAt,
      FinishTime: new Date(),
    }).replace('"ID"', identifier);
    await archive.store.put(`basebackups_005/${id}_backup_stop_sentinel.json`, Buffer.from(sentinel), {
      signal,
    });
    return { id, stopLsn };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function* packed(names: readonly (readonly [string, string])[]): AsyncGenerator<Uint8Array> {
  const pack = tar.pack();
  const filling = (async () => {
    for (const [name, path] of names) {
      const isText = path.startsWith('=');
      const directory = !isText && (await stat(path)).isDirectory();
      const content = isText ? Buffer.from(path.slice(1)) : directory ? null : await readFile(path);
      const header = {
        name: directory ? `${name}/` : name,
        mode: directory ? 0o700 : 0o600,
        type: directory ? ('directory' as const) : ('file' as const),
      };
      await new Promise<void>((resolve, reject) => {
        const done = (error?: Error | null): void => (error ? reject(error) : resolve());
        if (content === null) pack.entry(header, done);
        else pack.entry(header, content, done);
      });
    }
    pack.finalize();
  })();
  yield* pack as AsyncIterable<Uint8Array>;
  await filling;
}
