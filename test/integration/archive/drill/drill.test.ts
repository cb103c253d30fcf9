import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DrillOptions, type DrillProgress, holdDrill } from '../../../../src/archive/drill/drill.ts';
import { readDrillRecord, writeDrillRecord } from '../../../../src/archive/drill/drill-record.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { openRestoreSource, type RestoreSource } from '../../../../src/archive/restore/source.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import type { ObjectStore } from '../../../../src/archive/store/ports.ts';
import { dropRoot } from '../../postgres/drop-root.ts';
import { Bucket, whyNoBuckets } from '../../restore/buckets.ts';
import { checksummed, take } from '../backup/take.ts';

const signal = AbortSignal.timeout(15 * 60_000);
const ROWS = 10_000;

let directory = '';
let scratch = '';
let settings: ArchiveSettings;
let source: RestoreSource;
let backup = '';
/** The extension comes with Debian's server, but not with every build. */
let hasAmcheck = true;
let stages: string[] = [];

const settingsOf = (url: string): ArchiveSettings => ({
  url,
  s3: DEFAULT_S3,
  compression: 'zstd',
  keyFile: null,
});

beforeAll(async () => {
  dropRoot();
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-drill-'));
  scratch = join(directory, 'scratch');
  await mkdir(join(directory, 'store'));
  settings = settingsOf(`file://${join(directory, 'store')}`);
  await using server = await checksummed();
  await server.start();
  hasAmcheck = await server.value<boolean>(
    "select exists (select from pg_available_extensions where name = 'amcheck')",
  );
  await server.startArchiver(settings);
  await server.query('create table kept as select i, md5(i::text) from generate_series(1, 10000) i');
  await server.query('create table parts (i int) partition by range (i)');
  await server.query('create table parts_1 partition of parts for values from (0) to (100)');
  await server.query('insert into parts select generate_series(1, 50)');
  const archive = await openArchive(settings);
  backup = (await take(server, archive)).name;
  await server.query("create table later as select 'behind the backup' as note");
  const segment = await server.value<string>('select pg_walfile_name(pg_switch_wal())');
  await vi.waitUntil(async () => (await keysOf(archive.store)).some((key) => key.includes(segment)), {
    timeout: 60_000,
    interval: 50,
  });
  archive.store.close();
  source = await openRestoreSource(settings, signal);
});
afterAll(async () => {
  source?.store.close();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  stages = [];
});

const drill = (change: Partial<DrillOptions> = {}, ends: AbortSignal = signal) =>
  holdDrill(
    {
      source,
      member: 'pg-0',
      directory: scratch,
      keepFree: 0.01,
      binDirectory: null,
      user: 'postgres',
      checks: [],
      amcheck: false,
      backup: null,
      parallel: 2,
      timeout: 300_000,
      report: ({ phase }: DrillProgress) => {
        if (stages.at(-1) !== phase) stages.push(phase);
      },
      ...change,
    },
    ends,
  );

async function keysOf(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list('', { signal })) found.push(key);
  return found;
}

/** Processes that have the scratch directory in their command line. */
async function processes(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (/^\d+$/.test(name) && command.includes(scratch)) found.push(Number(name));
  }
  return found;
}

const isGone = async () =>
  !(await readdir(directory)).includes('scratch') && (await processes()).length === 0;

describe('a drill', () => {
  test('restores the newest backup to the end of the archive, checks it, counts it, and leaves nothing', async () => {
    const before = await keysOf(source.store);
    const result = await drill({
      amcheck: true,
      checks: [
        { name: 'later', database: 'postgres', sql: 'select note from later' },
        { name: 'kept', database: 'postgres', sql: `select count(*) = ${ROWS} from kept` },
        {
          name: 'not archiving',
          database: 'postgres',
          sql: "select current_setting('archive_mode') = 'off'",
        },
        { name: 'no port', database: 'postgres', sql: "select current_setting('listen_addresses') = ''" },
        {
          name: 'nobody follows',
          database: 'postgres',
          sql: "select current_setting('primary_conninfo') = ''",
        },
      ],
    });
    expect(result.error).toBeNull();
    expect(result.checks.map(({ name, ok, said }) => `${name} ${ok} ${said}`)).toEqual([
      'later true behind the backup',
      'kept true true',
      'not archiving true true',
      'no port true true',
      'nobody follows true true',
    ]);
    expect(result).toMatchObject({
      ok: true,
      backup,
      manifest: 'checked',
      amcheck: hasAmcheck ? 'passed' : 'absent',
      rows: ROWS + 50 + 1,
    });
    expect(result.databases.map(({ database }) => database)).toEqual(['postgres', 'template1']);
    expect(result.restoredBytes).toBeGreaterThan(10 * 1024 ** 2);
    expect(Date.parse(result.lastCommitAt ?? '')).toBeGreaterThan(Date.parse(result.backupFinishedAt ?? ''));
    for (const time of Object.values(result.times)) expect(time).toBeGreaterThan(0);
    expect(stages).toEqual([
      'planning',
      'unpacking',
      'checking',
      'recovering',
      'finishing',
      'starting',
      'checking pages',
      'counting rows',
      'running checks',
      'clearing up',
    ]);
    expect(await isGone()).toBe(true);
    expect(await keysOf(source.store)).toEqual(before);
  });

  test('whose check fails is not good, and says which and why', async () => {
    const result = await drill({
      checks: [
        { name: 'false', database: 'postgres', sql: 'select count(*) > 1000000 from kept' },
        { name: 'none', database: 'postgres', sql: 'select 1 where false' },
        { name: 'broken', database: 'postgres', sql: 'select 1 from never' },
      ],
    });
    expect(result).toMatchObject({ ok: false, error: null, amcheck: 'off' });
    expect(result.checks.map(({ ok, said }) => [ok, said])).toEqual([
      [false, 'false'],
      [false, 'it gave no row'],
      [false, 'relation "never" does not exist'],
    ]);
  });

  test('finds a part of the backup that is damaged', async () => {
    const path = join(directory, 'store', 'basebackups_005', backup, 'tar_partitions', 'part_001.tar.zst');
    const whole = await readFile(path);
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(64, 0xaa), 0, 64, Math.floor(whole.length / 2));
    await file.close();
    const result = await drill();
    expect(result).toMatchObject({ ok: false, error: { code: 'RESTORE_DAMAGED' } });
    expect(await isGone()).toBe(true);
    await writeFile(path, whole);
  });

  test('does not begin where it would leave too little room', async () => {
    const refused = await drill({ keepFree: 0.9999 });
    expect(refused).toMatchObject({ ok: false, error: { code: 'DRILL_NO_SPACE' } });
    expect(stages).not.toContain('unpacking');
    expect(await isGone()).toBe(true);
  });

  test('that is cancelled in the middle leaves nothing', async () => {
    for (const stage of ['unpacking', 'recovering', 'counting rows']) {
      const end = new AbortController();
      const held = drill({ report: ({ phase }) => phase === stage && end.abort() }, end.signal);
      await expect(held, stage).rejects.toMatchObject({ code: 'DRILL_CANCELLED' });
      expect(await isGone(), stage).toBe(true);
    }
  });

  test('that takes too long ends, and leaves nothing', async () => {
    expect(await drill({ timeout: 300 })).toMatchObject({ ok: false, error: { code: 'DRILL_TIMEOUT' } });
    expect(await isGone()).toBe(true);
  });

  test('does not empty a directory that is not its own', async () => {
    await mkdir(scratch);
    await writeFile(join(scratch, 'precious'), 'mine');
    expect(await drill()).toMatchObject({ ok: false, error: { code: 'DRILL_SCRATCH' } });
    expect(await readFile(join(scratch, 'precious'), 'utf8')).toBe('mine');
    await rm(scratch, { recursive: true });
  });

  test.for(['wal-g', 'barman-cloud'] as const)('holds on a bucket of %s', async (name, context) => {
    const why = await whyNoBuckets();
    if (why !== null) return context.skip(why);
    await using bucket = await Bucket.unpack(name);
    const foreign = await openRestoreSource(settingsOf(bucket.url), signal);
    const result = await drill({
      source: foreign,
      checks: [{ name: 'marks', database: 'postgres', sql: 'select count(*) = 3 from marks' }],
    });
    expect(result).toMatchObject({ ok: true, error: null, manifest: 'none', checks: [{ ok: true }] });
    expect(result.rows).toBeGreaterThan(100_000);
  });
});

test('the record keeps the last drill and the last good one', async () => {
  const { store } = await openArchive(settings);
  expect(await readDrillRecord(store, signal)).toEqual({ last: null, lastGood: null });
  const good = await drill();
  await writeDrillRecord(store, good, signal);
  const bad = { ...good, ok: false };
  expect(await writeDrillRecord(store, bad, signal)).toEqual({ last: bad, lastGood: good });
  expect(await readDrillRecord(store, signal)).toEqual({ last: bad, lastGood: good });
  await store.put('pgwarden/drill.json', Buffer.from('{"cut'), { signal });
  expect(await readDrillRecord(store, signal)).toEqual({ last: null, lastGood: null });
});
