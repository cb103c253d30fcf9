import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RestoreTarget } from '../../../src/archive/restore/target.ts';
import { parseUtcTime, type UtcTime } from '../../../src/archive/restore/utc-time.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { askPrivately, type PrivateServer } from '../../../src/postgres/work/private-server.ts';
import { dropRoot } from '../postgres/drop-root.ts';
import { Bucket, whyNoBuckets } from './buckets.ts';
import { Place } from './restored.ts';

beforeAll(dropRoot);
beforeEach(async (context) => {
  const why = await whyNoBuckets();
  if (why !== null) context.skip(why);
});

const LATEST: RestoreTarget = { kind: 'latest' };
const time = (text: string): UtcTime => parseUtcTime(text)!;

/** The right answers are those of the README beside the fixtures. */
const MADE = [
  { name: 'wal-g', between: '2026-11-21 09:25:12.721946+00', backup: 'base_000000010000000000000003' },
  { name: 'barman-cloud', between: '2026-11-21 09:28:37.175637+00', backup: '20261121T092534' },
] as const;

describe.each(MADE)('a bucket made by $name', ({ name, between, backup }) => {
  let bucket: Bucket;
  beforeAll(async () => {
    bucket = await Bucket.unpack(name);
  });
  afterAll(async () => await bucket[Symbol.asyncDispose]());

  const targets: [string, RestoreTarget, number[]][] = [
    ['the end of the archive', LATEST, [1, 2, 3]],
    ['a restore point', { kind: 'name', name: 'after_two' }, [1, 2]],
    ['a time', { kind: 'time', time: time(between), exclusive: false }, [1, 2]],
    ['the end of the backup', { kind: 'immediate' }, [1]],
  ];
  test.each(targets)('is restored to %s', async (_, target, rows) => {
    await using place = await Place.make();
    const result = await place.restore(bucket.url, target);
    expect(result).toMatchObject({ backup, recovered: { timeline: 2 } });
    expect(await readdir(place.data)).not.toContain('pgwarden-restore');
    expect(await place.marks()).toEqual(rows);
    expect(await place.ask('select count(*)::int as rows from pgbench_accounts')).toEqual([
      { rows: 100_000 },
    ]);
  });

  test('is replayed by Postgres itself when that is left to it', async () => {
    await using place = await Place.make();
    const result = await place.restore(bucket.url, { kind: 'name', name: 'after_two' }, { replay: false });
    expect(result.recovered).toBeNull();
    expect(await readdir(place.data)).toContain('recovery.signal');
  });

  const beyond: [string, RestoreTarget, RegExp][] = [
    [
      'a time in the future',
      { kind: 'time', time: time('2999-01-01T00:00:00Z'), exclusive: false },
      /in the future/,
    ],
    [
      'a time before the first backup',
      { kind: 'time', time: time('2026-11-21T09:00:00Z'), exclusive: false },
      /no backup had ended/,
    ],
    ['an LSN behind the end', { kind: 'lsn', lsn: '0/F000000' as Lsn, exclusive: false }, /the archive ends/],
    [
      'an LSN before the first backup',
      { kind: 'lsn', lsn: '0/1000000' as Lsn, exclusive: false },
      /no backup had ended/,
    ],
    ['a restore point that there is not', { kind: 'name', name: 'never' }, /no WAL behind any backup/],
    [
      'a transaction that there is not',
      { kind: 'xid', xid: '4000000', exclusive: false },
      /no WAL behind any backup/,
    ],
  ];
  test.each(beyond)(
    'refuses %s before anything is written, and says what can be reached',
    async (_, target, why) => {
      await using place = await Place.make();
      const refused = place.restore(bucket.url, target);
      await expect(refused).rejects.toMatchObject({
        code: 'RESTORE_TARGET_OUT_OF_REACH',
        message: expect.stringMatching(why),
        remedy: expect.stringMatching(/What can be reached: 2026-11-21T09:2\d/),
      });
      expect(await readdir(place.root)).toEqual([]);
    },
  );

  test('only says what it would do in a dry run', async () => {
    await using place = await Place.make();
    expect(await place.restore(bucket.url, LATEST, { dryRun: true })).toMatchObject({ backup, dryRun: true });
    expect(await readdir(place.root)).toEqual([]);
  });
});

test('a hole in the WAL is not taken for the end of the archive', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  await rm(bucket.path('wal_005/000000010000000000000005.zst'));
  await using place = await Place.make();
  await expect(place.restore(bucket.url, LATEST)).rejects.toMatchObject({
    code: 'RESTORE_TARGET_OUT_OF_REACH',
    message: expect.stringContaining('a hole at 0/5000000, where 000000010000000000000005 is missing'),
  });
  await expect(
    place.restore(bucket.url, { kind: 'lsn', lsn: '0/6000100' as Lsn, exclusive: false }),
  ).rejects.toMatchObject({ code: 'RESTORE_TARGET_OUT_OF_REACH' });
  expect(await readdir(place.root)).toEqual([]);
  await place.restore(bucket.url, { kind: 'name', name: 'after_two' });
  expect(await place.marks()).toEqual([1, 2]);
});

test('a damaged tar is told, and leaves nothing that Postgres starts in', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  const part = bucket.path('basebackups_005/base_000000010000000000000003/tar_partitions/part_001.tar.zst');
  await truncate(part, 1_000_000);
  await using place = await Place.make();
  await expect(place.restore(bucket.url, LATEST)).rejects.toMatchObject({ code: 'RESTORE_DAMAGED' });
  expect(await readdir(place.data)).toContain('pgwarden-restore');
  expect(await readdir(`${place.data}/global`).catch(() => [])).not.toContain('pg_control');
});

test('a tar that is missing is noticed by the list that WAL-G keeps', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  await rm(bucket.path('basebackups_005/base_000000010000000000000003/tar_partitions/part_001.tar.zst'));
  await using place = await Place.make();
  await expect(place.restore(bucket.url, LATEST)).rejects.toThrow(/part_001\.tar\.zst is missing/);
});

test('a directory that holds anything is left alone', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  await using place = await Place.make();
  await writeFile(`${place.root}/precious`, 'mine');
  const into = Object.assign(Object.create(place) as Place, { data: place.root });
  await expect(into.restore(bucket.url, LATEST)).rejects.toMatchObject({ code: 'RESTORE_DIRECTORY' });
  expect(await readdir(place.root)).toEqual(['precious']);
});

test('a run that was interrupted is taken up by the next, and starts over for another target', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  await using place = await Place.make();
  const end = new AbortController();
  const cut = place.restore(bucket.url, LATEST, {
    signal: end.signal,
    report: ({ phase, done }) => {
      if (phase === 'recovering' && done > 0) end.abort(new Error('enough'));
    },
  });
  await expect(cut).rejects.toThrow(/enough/);
  expect(await readdir(place.data)).toContain('pgwarden-restore');
  await place.restore(bucket.url, { kind: 'name', name: 'after_two' });
  expect(place.said.join()).toContain('it starts over');
  expect(await place.marks()).toEqual([1, 2]);
});

test('a pause at the target lets a person look, and go further or promote', async () => {
  await using bucket = await Bucket.unpack('wal-g');
  await using place = await Place.make();
  const seen: unknown[] = [];
  const look = async (server: PrivateServer): Promise<void> => {
    seen.push(await askPrivately(server, 'postgres', 'select array_agg(id order by id) as ids from marks'));
    await expect(askPrivately(server, 'postgres', 'delete from marks')).rejects.toThrow(
      /read-only transaction/,
    );
  };
  const immediate = await place.restore(
    bucket.url,
    { kind: 'immediate' },
    {
      pause: {
        superuser: 'postgres',
        ask: async (server) => {
          await look(server);
          return 'leave';
        },
      },
    },
  );
  expect(immediate.recovered).toMatchObject({ promoted: false, timeline: null });
  expect(await readdir(place.data)).toContain('pgwarden-restore');
  const further = await place.restore(
    bucket.url,
    { kind: 'time', time: time('2026-11-21 09:25:12.721946+00'), exclusive: false },
    {
      pause: {
        superuser: 'postgres',
        ask: async (server) => {
          await look(server);
          return 'promote';
        },
      },
    },
  );
  expect(place.said.join()).toContain('it goes on');
  expect(further.recovered).toMatchObject({ promoted: true, timeline: 2 });
  expect(seen).toEqual([[{ ids: [1] }], [{ ids: [1, 2] }]]);
  expect(await place.marks()).toEqual([1, 2]);
});
