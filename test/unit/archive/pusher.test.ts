import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { Spool } from '../../../src/archive/spool.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import type { Permission } from '../../../src/archive/wal/permit.ts';
import { Pusher } from '../../../src/archive/wal/pusher.ts';
import { ReadyFiles } from '../../../src/archive/wal/ready-files.ts';
import { lsnAt } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';

const SEGMENT = 1024 ** 2;
const signal = AbortSignal.timeout(60_000);
let root = '';
let wal = '';
let spool: Spool;
let pushed: string[] = [];
let failed: string[] = [];
let unmarked: string[] = [];
let asked = 0;
let archived = 0;

const name = (number: number) => `00000001000000000000${number.toString(16).toUpperCase().padStart(4, '0')}`;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-push-'));
  wal = join(root, 'pg_wal');
  spool = new Spool(root);
  await spool.empty();
  await mkdir(join(wal, 'archive_status'), { recursive: true });
  await mkdir(join(root, 'store'));
  [pushed, failed, unmarked, asked, archived] = [[], [], [], 0, 0];
  return () => rm(root, { recursive: true, force: true });
});

function pusher(parallel = 3): Pusher {
  const store = new FileStore(join(root, 'store'));
  const reach = { timeline: timelineId(1), forks: [], confirmed: lsnAt(2 ** 40) };
  return new Pusher({
    walDirectory: wal,
    spool,
    ready: new ReadyFiles(wal),
    archive: async () => {
      archived += 1;
      return { store, codec: new Codec('none', null) };
    },
    permission: (): Permission => {
      asked += 1;
      return { reach, age: 0 };
    },
    segmentBytes: () => SEGMENT,
    parallel,
    onPushed: (file) => void pushed.push(file),
    onFailed: (file, error) => void failed.push(`${file}: ${error.message}`),
    onUnmarked: (file) => void unmarked.push(file),
  });
}

async function ready(number: number, content = 'wal'): Promise<void> {
  await writeFile(join(wal, name(number)), content);
  await writeFile(join(wal, 'archive_status', `${name(number)}.ready`), '');
}

async function drained(one: Pusher): Promise<void> {
  do await one.settled();
  while ((await one.look(performance.now())) > 0);
  await one.settled();
}

afterEach(() => expect(failed).toEqual([]));

test('a look beside pushes that end takes no mark away and calls none of them failed', async () => {
  for (let number = 1; number <= 40; number++) await ready(number, `wal ${number}`);
  const one = pusher(4);
  let looks = true;
  const looking = (async () => {
    while (looks) await one.look(performance.now());
  })();
  await expect.poll(() => pushed.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(40);
  looks = false;
  await looking;
  await drained(one);
  expect((await spool.listPushed()).size).toBe(40);
  expect(new Set(pushed).size).toBe(40);
  expect(pushed.length).toBe(40);
});

test('what is archived is done, also where the volume takes no mark', async () => {
  await ready(1);
  // As a full volume would: the mark cannot be made.
  await mkdir(join(spool.pushed, name(1)));
  const one = pusher();
  expect(await one.request(name(1), signal)).toEqual({ done: true });
  expect(unmarked).toEqual([name(1)]);
  // Nor is it read and hashed again for each question, or ahead of one.
  expect(await one.request(name(1), signal)).toEqual({ done: true });
  await rm(join(spool.pushed, name(1)), { recursive: true });
  await one.look(performance.now());
  await one.settled();
  expect(archived).toBe(1);
  expect(one.waiting.size).toBe(0);
});

test('who asks for what was archived a moment ago is told so, and nothing is pushed twice', async () => {
  await ready(1);
  const one = pusher();
  await one.look(performance.now());
  await one.settled();
  // It looked for the mark before the file was archived; a look in between has seen the mark.
  await one.look(performance.now());
  expect(await one.request(name(1), signal)).toEqual({ done: true });
  expect(pushed).toEqual([name(1)]);
  expect(archived).toBe(1);
});

test('a note whose file is gone is no failure, and holds up nothing', async () => {
  await ready(1);
  await ready(2);
  await rm(join(wal, name(1)));
  const one = pusher(1);
  await one.look(performance.now());
  await one.settled();
  await expect.poll(() => pushed).toEqual([name(2)]);
  expect(one.failure).toBeNull();
});

test('ten thousand that wait cost no question each, after each file', async () => {
  for (let number = 1; number <= 10_000; number++)
    await writeFile(join(wal, 'archive_status', `${name(number)}.ready`), '');
  for (let number = 1; number <= 30; number++) await writeFile(join(wal, name(number)), 'wal');
  const one = pusher(3);
  const began = performance.now();
  await one.look(performance.now());
  const look = performance.now() - began;
  expect(asked).toBeLessThan(10);
  await expect.poll(() => pushed.length, { timeout: 10_000 }).toBe(30);
  one.stop();
  await one.settled();
  // A few for each file that was begun (those that are gone go fast), none for each that waits.
  expect(asked).toBeLessThan(10 + 5 * archived);
  expect(look).toBeLessThan(2_000);
});

test('marks that Postgres has read go at the next look', async () => {
  await ready(1);
  const one = pusher();
  expect(await one.request(name(1), signal)).toEqual({ done: true });
  expect(await readdir(spool.pushed)).toEqual([name(1)]);
  await rm(join(wal, 'archive_status', `${name(1)}.ready`));
  await one.look(performance.now());
  expect(await readdir(spool.pushed)).toEqual([]);
});
