import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Scheduler } from '../../../../src/agent/backup/scheduler.ts';
import { sentinelKey } from '../../../../src/archive/backup/names.ts';
import { writeSentinel } from '../../../../src/archive/catalog/sentinel.ts';
import { openArchive } from '../../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';

const MINUTE = 60_000;
const YEARLY = '0 0 1 1 *';
const EVERY_MINUTE = '* * * * *';
const signal = AbortSignal.timeout(60_000);

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-scheduler-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const open = () =>
  openArchive({ url: `file://${directory}`, s3: DEFAULT_S3, compression: 'none', keyFile: null });

/** A backup that began so many milliseconds ago. */
async function put(id: string, ago: number, parent: string | null): Promise<void> {
  const archive = await open();
  const at = new Date(Date.now() - ago);
  const sentinel = writeSentinel({
    LSN: '0/2000028' as Lsn,
    Timeline: 1,
    DeltaLSN: parent === null ? null : ('0/1000028' as Lsn),
    DeltaFrom: parent,
    DeltaFullName: parent,
    DeltaCount: parent === null ? null : 1,
    PgVersion: 180_004,
    FinishLSN: '0/2000100' as Lsn,
    SystemIdentifier: '7',
    UncompressedSize: 1,
    CompressedSize: 1,
    DataCatalogSize: 1,
    Spec: null,
    FilesMetadataDisabled: true,
    Version: 2,
    StartTime: at,
    FinishTime: at,
    Hostname: 'pg-0',
    DataDir: '/data',
    IsPermanent: false,
  });
  const key = sentinelKey(id, parent === null ? 'whole' : 'increment');
  await archive.store.put(key, Buffer.from(sentinel), { signal });
  archive.store.close();
}

/** What is begun in the first round: whether it is an increment. */
async function begun(whole: string | null, incremental: string | null): Promise<boolean[]> {
  const end = new AbortController();
  const calls: boolean[] = [];
  const log = { info: () => undefined, warn: () => undefined };
  const scheduler = new Scheduler({
    settings: { schedule: whole, incrementalSchedule: incremental, timeZone: 'UTC' } as never,
    open,
    leads: () => {
      // One round.
      setTimeout(() => end.abort(), 300);
      return true;
    },
    start: async (isIncrement) => {
      calls.push(isIncrement);
      return { message: 'begun', member: 'pg-0', run: '1' };
    },
    log: log as never,
  });
  await scheduler.run(end.signal);
  return calls;
}

const W = 'base_000000010000000000000001';
const I = 'base_000000010000000000000002';

it('an increment is begun when its own schedule is due, and no whole one for that', async () => {
  await put(W, 10 * MINUTE, null);
  expect(await begun(YEARLY, EVERY_MINUTE)).toEqual([true]);
  expect(await begun(YEARLY, null)).toEqual([]);
});

it('increments are no reason to leave out a whole one', async () => {
  await put(W, 400 * 24 * 60 * MINUTE, null);
  await put(I, 2 * MINUTE, W);
  expect(await begun(YEARLY, EVERY_MINUTE)).toEqual([false]);
});

it('a whole one that has just begun stands for the increment of the same time', async () => {
  await put(W, 0, null);
  expect(await begun(YEARLY, YEARLY)).toEqual([]);
});

it('where there is none yet, a whole one is begun at once', async () => {
  expect(await begun(YEARLY, EVERY_MINUTE)).toEqual([false]);
  expect(await begun(null, EVERY_MINUTE)).toEqual([true]);
});
