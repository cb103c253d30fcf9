import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { type ArchiveError, StoreUnreachableError } from '../../../src/archive/errors.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import { Keeper } from '../../../src/archive/wal/keeper.ts';
import { timelineId } from '../../../src/ha/units.ts';

const SEGMENT = 16 * 1024 ** 2;
const history = { timeline: timelineId(1), forks: [] };
const signal = AbortSignal.timeout(30_000);
let root = '';
let store: FileStore;
let away: ArchiveError | null = null;
let filled: string[] = [];
let told: string[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-keeper-'));
  store = new FileStore(root);
  [away, filled, told] = [null, [], []];
  return () => rm(root, { recursive: true, force: true });
});

const keeper = (holeStays: number) =>
  new Keeper(
    {
      archive: async () => {
        if (away !== null) throw away;
        return { store, codec: new Codec('none', null) };
      },
      segmentBytes: () => SEGMENT,
      isShortOfSpace: () => false,
      pushFile: async (file) => await archive(file),
      onFailed: (_file, { code }) => void told.push(code),
      onWell: () => undefined,
      onFilled: (file) => void filled.push(file),
    },
    holeStays,
  );
const archive = (file: string) => store.create(`wal_005/${file}`, Buffer.from('x'), { signal });
const FIRST = '000000010000000000000001';

test('a hole behind which the archive goes on is filled by whoever still has it', async () => {
  await archive('000000010000000000000003');
  expect(await keeper(600).request(FIRST, history, signal)).toEqual({ done: true });
  expect(filled).toEqual([FIRST]);
});

test('what no later segment of the timeline proves confirmed is not uploaded', async () => {
  await archive('000000020000000000000003');
  await archive('00000002.history');
  const answer = await keeper(0).request(FIRST, history, AbortSignal.timeout(2_000));
  expect(answer).toMatchObject({ done: false, code: 'ARCHIVE_NOT_YET' });
  expect(filled).toEqual([]);
});

test('a segment that a primary sends out of order is waited for', async () => {
  await archive('000000010000000000000002');
  const asked = keeper(60_000).request(FIRST, history, signal);
  await archive(FIRST);
  expect(await asked).toEqual({ done: true });
  expect(filled).toEqual([]);
});

test('what only the member that made it has holds up nothing', async () => {
  const one = keeper(60_000);
  for (const file of [`${FIRST}.partial`, `${FIRST}.00000028.backup`])
    expect(await one.request(file, history, signal)).toEqual({ done: true });
});

test('a standby that cannot look into the archive says so', async () => {
  away = new StoreUnreachableError('s3://b', 'ECONNREFUSED');
  const one = keeper(60_000);
  const answer = await one.request(FIRST, history, AbortSignal.timeout(1_200));
  expect(answer).toMatchObject({ done: false, code: 'ARCHIVE_UNREACHABLE' });
  expect(one.failure).toMatchObject({ file: FIRST, code: 'ARCHIVE_UNREACHABLE' });
  expect(told).toContain('ARCHIVE_UNREACHABLE');
  away = null;
  await archive(FIRST);
  expect(await one.request(FIRST, history, signal)).toEqual({ done: true });
  expect(one.failure).toBeNull();
});
