import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ArchiveSettings, openArchive } from '../../../src/archive/opened-archive.ts';
import type { RestoreTarget } from '../../../src/archive/restore/target.ts';
import { parseUtcTime } from '../../../src/archive/restore/utc-time.ts';
import { DEFAULT_S3 } from '../../../src/archive/store/open.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { FaultProxy } from '../../s3/fault-proxy.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../s3/server.ts';
import { ArchivedPostgres } from '../archive/postgres.ts';
import { dropRoot } from '../postgres/drop-root.ts';
import { layOutBackup, type MadeBackup } from './base-backup.ts';
import { Place } from './restored.ts';

const OBTAIN_WITHIN = 12 * 60_000;
const signal = AbortSignal.timeout(30 * 60_000);
let s3: S3Server | null = null;
let noS3: string | null = null;

beforeAll(async () => {
  const obtained = await obtainS3Server(dropRoot);
  s3 = obtained.server;
  noS3 = obtained.reason;
}, OBTAIN_WITHIN);
afterAll(async () => await s3?.[Symbol.asyncDispose]());

/** A row, and where it is in WAL. */
interface Mark {
  readonly xid: string;
  /** Behind its commit. */
  readonly lsn: Lsn;
  readonly time: string;
}

/** What a cluster left behind: two backups, three timelines, rows, and a tail that no segment holds. */
interface Left {
  readonly settings: ArchiveSettings;
  readonly flags: readonly string[];
  readonly first: MadeBackup;
  readonly second: MadeBackup;
  readonly marks: ReadonlyMap<number, Mark>;
}

async function mark(server: ArchivedPostgres, id: number): Promise<Mark> {
  await server.query('begin');
  const [row] = await server.query<{ xid: string }>('select txid_current()::text as xid');
  await server.query(`insert into marks values (${id}, now())`);
  await server.query('commit');
  const [after] = await server.query<{ lsn: Lsn; time: string }>(
    'select pg_current_wal_insert_lsn() as lsn, clock_timestamp()::text as time',
  );
  // The next commit is of a later microsecond.
  await sleep(2);
  return { xid: row!.xid, lsn: after!.lsn, time: after!.time };
}

async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(50);
  }
}

/** Rows 1 and 2 before the first backup's time, 3 to 5 behind it; a promotion; 6, a second backup, 7 and 8 in the tail. */
async function leave(settings: ArchiveSettings, flags: readonly string[], tablespace: string): Promise<Left> {
  const marks = new Map<number, Mark>();
  const archive = await openArchive(settings);
  await using old = await ArchivedPostgres.make();
  await old.start();
  await old.startArchiver(settings);
  await old.query('create table marks (id int, at timestamptz)');
  await old.query(`create tablespace elsewhere location '${tablespace}'`);
  await old.query('create table far tablespace elsewhere as select generate_series(1, 1000) as n');
  marks.set(1, await mark(old, 1));
  const first = await layOutBackup(old, archive, signal);
  marks.set(2, await mark(old, 2));
  await old.query("select pg_create_restore_point('after two')");
  await old.fill(3);
  for (const id of [3, 4, 5]) marks.set(id, await mark(old, id));
  await old.query('select pg_switch_wal()');
  await waitFor('the archive of the first timeline', async () => !(await hasReady(old)));
  await old.stopArchiver();
  await old.stop('fast');

  // Another directory goes on where the archive ends: the promotion that a failover is.
  await using place = await Place.make();
  const url = settings.url;
  const moved = join(place.root, 'moved');
  await place.restore(url, { kind: 'latest' }, { flags, mappings: [{ from: tablespace, to: moved }] });
  await rm(old.data, { recursive: true });
  const conf = await readFile(join(place.data, 'postgresql.conf'), 'utf8');
  expect(conf).toContain('PostgreSQL configuration file');
  await rename(place.data, old.data);
  await old.configure(['archive_mode = always']);
  await old.start();
  expect(await old.value<number>('select count(*)::int from far')).toBe(1000);
  await old.startArchiver(settings);
  marks.set(6, await mark(old, 6));
  await old.fill(2);
  const second = await layOutBackup(old, archive, signal);
  await old.query('select pg_switch_wal()');
  await waitFor('the archive of the second timeline', async () => !(await hasReady(old)));
  for (const id of [7, 8]) marks.set(id, await mark(old, id));
  const last = marks.get(8)!.lsn;
  await waitFor('the tail', async () => {
    for await (const { key } of archive.store.list('pgwarden/tail/', { signal }))
      if (lsnOf(key.split('-').at(-1)!) >= lsnOfText(last)) return true;
    return false;
  });
  await old.stopArchiver();
  await old.stop('kill');
  archive.store.close();
  return { settings, flags, first, second, marks };
}

const lsnOf = (hex: string): number => Number.parseInt(hex.slice(0, 16), 16);
const lsnOfText = (lsn: string): number => {
  const [high = '0', low = '0'] = lsn.split('/');
  return Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
};

async function hasReady(server: ArchivedPostgres): Promise<boolean> {
  return (await readdir(join(server.wal, 'archive_status'))).some((name) => name.endsWith('.ready'));
}

describe.each(['file', 'encrypted', 's3'] as const)('an archive of pgwarden (%s)', (kind) => {
  let root: string;
  let left: Left;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgwarden-left-'));
    await mkdir(join(root, 'archive'));
    await mkdir(join(root, 'ts'));
    if (kind === 's3' && s3 === null) return;
    const settings: ArchiveSettings = {
      url: kind === 's3' ? `s3://${BUCKET}/left` : `file://${root}/archive`,
      s3: kind !== 's3' || s3 === null ? DEFAULT_S3 : s3.settings(),
      compression: 'zstd',
      keyFile: kind === 'encrypted' ? join(root, 'keys') : null,
    };
    if (settings.keyFile !== null)
      await writeFile(settings.keyFile, `${randomBytes(32).toString('base64')}\n`);
    const keys = settings.keyFile === null ? [] : [`archive.encryption.keyFile=${settings.keyFile}`];
    left = await leave(settings, kind === 's3' ? s3Flags(s3!.endpoint) : keys, join(root, 'ts'));
  }, 300_000);
  afterAll(async () => await rm(root, { recursive: true, force: true }));

  const check = async (
    skip: (reason: string) => void,
    target: (left: Left) => RestoreTarget,
    rows: readonly number[],
    more: { readonly timeline?: 'current' | number; readonly backup?: 'first' | 'second' } = {},
    from: 'first' | 'second' = 'first',
  ): Promise<void> => {
    if (kind === 's3' && s3 === null) return skip(noS3 ?? 'no S3 server');
    await using place = await Place.make();
    const moved = join(place.root, 'moved');
    const tablespace = join(root, 'ts');
    const { backup, timeline } = more;
    const chosen = backup === undefined ? from : backup;
    const at = chosen === 'first' ? tablespace : await movedPlace(left);
    const result = await place.restore(left.settings.url, target(left), {
      flags: left.flags,
      mappings: [{ from: at, to: moved }],
      ...(backup === undefined ? {} : { backup: left[backup].id }),
      ...(timeline === undefined ? {} : { timeline }),
    });
    expect(result).toMatchObject({ backup: left[chosen].id, manifest: 'checked' });
    expect(await place.marks()).toEqual(rows);
    expect(await place.ask('select count(*)::int as n from far')).toEqual([{ n: 1000 }]);
    const [oid = ''] = await readdir(join(place.data, 'pg_tblspc'));
    expect(await readlink(join(place.data, 'pg_tblspc', oid))).toBe(moved);
  };
  /** Where the tablespace was when the second backup was taken: the sentinel tells. */
  const movedPlace = async ({ settings, second }: Left): Promise<string> => {
    const { store } = await openArchive(settings);
    const { body } = await store.get(`basebackups_005/${second.id}_backup_stop_sentinel.json`, { signal });
    let text = '';
    for await (const piece of body) text += Buffer.from(piece).toString();
    store.close();
    const { Spec } = JSON.parse(text);
    return Spec[Spec.tablespaces[0]].loc;
  };

  test('is restored to its end, the live tail with it', ({ skip }) =>
    check(skip, () => ({ kind: 'latest' }), [1, 2, 3, 4, 5, 6, 7, 8], {}, 'second'));
  test('is restored to its end across a promotion', ({ skip }) =>
    check(skip, () => ({ kind: 'latest' }), [1, 2, 3, 4, 5, 6, 7, 8], { backup: 'first' }));
  test('is restored to a time', ({ skip }) =>
    check(
      skip,
      ({ marks }) => ({ kind: 'time', time: parseUtcTime(marks.get(3)!.time)!, exclusive: false }),
      [1, 2, 3],
    ));
  test('is restored to an LSN', ({ skip }) =>
    check(skip, ({ marks }) => ({ kind: 'lsn', lsn: marks.get(4)!.lsn, exclusive: true }), [1, 2, 3, 4]));
  test('is restored to a transaction, and to just before one', async ({ skip }) => {
    await check(
      skip,
      ({ marks }) => ({ kind: 'xid', xid: marks.get(4)!.xid, exclusive: false }),
      [1, 2, 3, 4],
    );
    await check(skip, ({ marks }) => ({ kind: 'xid', xid: marks.get(4)!.xid, exclusive: true }), [1, 2, 3]);
  });
  test('is restored to a restore point that lies before its newest backup', ({ skip }) =>
    check(skip, () => ({ kind: 'name', name: 'after two' }), [1, 2]));
  test('is restored to the end of either backup', async ({ skip }) => {
    await check(skip, () => ({ kind: 'immediate' }), [1], { backup: 'first' });
    await check(skip, () => ({ kind: 'immediate' }), [1, 2, 3, 4, 5, 6], {}, 'second');
  });
  test('is restored along the timeline of its first backup', ({ skip }) =>
    check(skip, () => ({ kind: 'latest' }), [1, 2, 3, 4, 5], { timeline: 'current', backup: 'first' }));
  test('is restored to a row of the tail', ({ skip }) =>
    check(
      skip,
      ({ marks }) => ({ kind: 'xid', xid: marks.get(7)!.xid, exclusive: false }),
      [1, 2, 3, 4, 5, 6, 7],
      {},
      'second',
    ));

  // A directory neither answers 503 nor breaks off.
  if (kind !== 's3') return;
  test('is waited for while its store fails, and never ends a recovery early', async ({ skip }) => {
    if (s3 === null) return skip(noS3 ?? 'no S3 server');
    await using proxy = await FaultProxy.start(s3.port);
    await using place = await Place.make();
    let failed = 0;
    // Half of everything fails: listings, tars cut short, WAL.
    let count = 0;
    proxy.fail((method) => {
      if (method !== 'GET' || place.said.length > 200) return null;
      count += 1;
      if (count < 12 || count % 2 === 0) return null;
      failed += 1;
      return count % 3 === 0
        ? { kind: 'truncate', bytes: 20_000 }
        : { kind: 'answer', status: 503, code: 'SlowDown' };
    });
    await place.restore(
      left.settings.url,
      { kind: 'latest' },
      {
        flags: s3Flags(proxy.endpoint),
        mappings: [{ from: await movedPlace(left), to: join(place.root, 'moved') }],
      },
    );
    expect(failed).toBeGreaterThan(3);
    expect(await place.marks()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

function s3Flags(endpoint: string): string[] {
  const { credentials } = s3!.settings();
  return [
    `archive.s3.endpoint=${endpoint}`,
    'archive.s3.region=us-east-1',
    'archive.s3.pathStyle=true',
    `archive.s3.accessKeyIdFile=${credentials!.accessKeyIdFile}`,
    `archive.s3.secretAccessKeyFile=${credentials!.secretAccessKeyFile}`,
  ];
}
