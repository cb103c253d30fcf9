import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseEncodedName } from '../../../src/archive/codec/codec.ts';
import { openArchive } from '../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../src/archive/store/open.ts';
import { keepWal, parseKept } from '../../../src/archive/wal/keep-wal.ts';
import { parseSegment } from '../../../src/archive/wal/names.ts';
import { sha256OfStream } from '../../../src/archive/wal/sha256.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { readHistory } from '../../../src/postgres/volume/timeline-history.ts';
import { dropRoot } from '../postgres/drop-root.ts';
import { ArchivedPostgres, SEGMENT } from './postgres.ts';

const run = promisify(execFile);
const signal = AbortSignal.timeout(10 * 60_000);

async function until(what: string, holds: () => Promise<boolean> | boolean, within = 60_000): Promise<void> {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(50);
  }
}

const ready = async (server: ArchivedPostgres): Promise<string[]> =>
  (await readdir(join(server.wal, 'archive_status')))
    .filter((name) => /^[0-9A-F]{24}\.ready$/.test(name))
    .map((name) => name.slice(0, 24))
    .sort();

/** As an agent does it: crash recovery by itself, and then pg_rewind. */
async function rewindTo(source: ArchivedPostgres, target: ArchivedPostgres): Promise<void> {
  const { directory } = await findBinaries(null);
  const flags = ['archive_mode=off', 'wal_recycle=off', 'wal_log_hints=on'].flatMap((flag) => ['-c', flag]);
  const single = run(join(directory, 'postgres'), [
    '--single',
    '-F',
    '-D',
    target.data,
    ...flags,
    'template1',
  ]);
  single.child.stdin?.end();
  await single;
  const from = `host=127.0.0.1 port=${source.port} user=postgres dbname=postgres`;
  const tool = join(directory, 'pg_rewind');
  await run(tool, ['-D', target.data, '--source-server', from, '--no-ensure-shutdown', '--no-sync']);
}

test('a failover while the store is away leaves no hole, though only the rewound primary had the WAL', async () => {
  dropRoot();
  await using old = await ArchivedPostgres.make();
  const [directory, away] = [join(old.volume, 'archived'), join(old.volume, 'away')];
  await mkdir(directory);
  const settings = {
    url: `file://${directory}`,
    s3: DEFAULT_S3,
    compression: 'zstd',
    keyFile: null,
  } as const;
  await old.configure(['wal_log_hints = on', 'synchronous_commit = local']);
  await old.start();
  await old.startArchiver(settings);
  await old.fill(2);
  await until('the first segments', async () => (await ready(old)).length === 0);
  await rename(directory, away);
  await old.fill(4);
  const onlyOld = await ready(old);
  expect(onlyOld.length).toBeGreaterThanOrEqual(4);

  // A standby that was made after those; nobody waits for the archive to have its first WAL.
  await using next = await ArchivedPostgres.make(old, 'server');
  await next.configure([
    'wal_log_hints = on',
    `primary_conninfo = 'host=127.0.0.1 port=${old.port} user=postgres'`,
  ]);
  await writeFile(join(next.data, 'standby.signal'), '');
  await next.start();
  await old.fill(2);
  const lsn = await old.value<Lsn>('select pg_current_wal_flush_lsn()');
  await until('the standby', () => next.value(`select pg_last_wal_replay_lsn() >= '${lsn}'`));
  await next.query("alter system set primary_conninfo = ''");
  await next.query('select pg_reload_conf()');
  await until('the end of streaming', () => next.value('select count(*) = 0 from pg_stat_wal_receiver'));
  await old.fill(2);
  await old.stopArchiver();
  await old.stop('kill');
  await next.query('select pg_promote()');
  await until('the promotion', () => next.value('select not pg_is_in_recovery()'));
  await next.query('checkpoint');
  const forks = (await readHistory(next.wal, timelineId(2))) ?? [];
  const fork = forks.at(-1)?.switchLsn ?? ('0/0' as Lsn);

  const { kept } = await keepWal({
    walDirectory: old.wal,
    kept: old.spool.kept,
    until: fork,
    free: 1000 * SEGMENT,
    signal,
  });
  expect(kept).toEqual(expect.arrayContaining(onlyOld));
  const setAside = (await readdir(old.spool.kept)).map((name) => parseKept(name));
  await rewindTo(next, old);
  for (const file of onlyOld) {
    expect(await readdir(old.wal)).not.toContain(file);
    expect(await readdir(next.wal)).not.toContain(file);
  }

  await old.settleAgain([`primary_conninfo = 'host=127.0.0.1 port=${next.port} user=postgres'`]);
  await writeFile(join(old.data, 'standby.signal'), '');
  await old.start();
  old.follows = { timeline: timelineId(2), forks, isSettled: true };
  await rename(away, directory);
  await next.startArchiver(settings);
  await old.startArchiver(settings);
  await next.fill(2);
  await until('what was kept', async () => (await readdir(old.spool.kept)).length === 0);
  await until('the rest', async () => (await ready(next)).length === 0);
  expect(old.events.map(({ event }) => event)).not.toContain('archive.kept-dropped');

  const { store, codec } = await openArchive(settings);
  const numbers: number[] = [];
  for await (const { key } of store.list('wal_005/', { signal })) {
    const file = parseEncodedName(key).name.slice('wal_005/'.length);
    const segment = file.length === 24 ? parseSegment(file, SEGMENT) : null;
    if (segment !== null) numbers.push(segment.number);
  }
  for (const one of setAside) {
    if (one === null) throw new Error('a strange file was set aside');
    const key = `wal_005/${one.file}.zst`;
    const { body } = await store.get(key, { signal });
    expect(await sha256OfStream(codec.decode(store.name, key, body)), one.file).toBe(one.sha256);
  }
  store.close();
  // In the order of names: timeline 1 up to where it was left, and on from there.
  expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
});
