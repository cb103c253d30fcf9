import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dropRoot } from '../postgres/drop-root.ts';
import { Bucket, whyNoBuckets } from './buckets.ts';
import { Place } from './restored.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');
let bucket: Bucket;

beforeAll(async () => {
  dropRoot();
  bucket = await Bucket.unpack('wal-g');
});
beforeEach(async (context) => {
  const why = await whyNoBuckets();
  if (why !== null) context.skip(why);
});
afterAll(async () => await bucket[Symbol.asyncDispose]());

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; kills it as soon as `when` holds. */
async function run(
  place: Place,
  more: readonly string[],
  when: () => Promise<boolean> | boolean,
): Promise<Ended> {
  const args = [MAIN, 'restore', '--from', bucket.url, '-D', place.data, '-o', 'json', ...more];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  while (child.exitCode === null && child.signalCode === null) {
    if (await when()) child.kill('SIGKILL');
    await sleep(1);
  }
  const [code, signal] = await closed;
  return { code, signal, stdout, stderr };
}

const never = (): boolean => false;

/** What the directory shows at each step of a restore. */
const STEPS: [string, (place: Place) => Promise<boolean> | boolean][] = [
  ['its first note', ({ data }) => existsSync(join(data, 'pgwarden-restore', 'restore.json'))],
  ['the first files', ({ data }) => existsSync(join(data, 'base', '1'))],
  ['the control file', ({ data }) => existsSync(join(data, 'global', 'pg_control'))],
  ['the mark of a recovery', ({ data }) => existsSync(join(data, 'recovery.signal'))],
  ['the start of Postgres', ({ data }) => existsSync(join(data, 'postmaster.pid'))],
  [
    'the first WAL',
    async ({ data }) => (await namesOf(join(data, 'pg_wal'))).some((name) => name.length === 24),
  ],
  [
    'the new timeline',
    async ({ data }) => (await namesOf(join(data, 'pg_wal'))).includes('00000002.history'),
  ],
];

async function namesOf(path: string): Promise<string[]> {
  return await readdir(path).catch(() => []);
}

test.each(STEPS)('a restore that is killed at %s is gone on with, and ends right', async (_, step) => {
  await using place = await Place.make();
  const killed = await run(place, ['--to-name', 'after_two'], () => step(place));
  expect(killed.signal).toBe('SIGKILL');
  expect(
    await readFile(join(place.data, 'pgwarden-restore', 'INCOMPLETE'), 'utf8').catch(() => 'restore'),
  ).toContain('restore');
  const again = await run(place, ['--to-name', 'after_two'], never);
  expect(again).toMatchObject({ code: 0 });
  expect(JSON.parse(again.stdout)).toMatchObject({ backup: 'base_000000010000000000000003' });
  expect(await place.marks()).toEqual([1, 2]);
});

test('a second run in the same directory is refused while the first one works', async () => {
  await using place = await Place.make();
  const note = join(place.data, 'pgwarden-restore', 'restore.json');
  let second: Promise<Ended> | null = null;
  const first = await run(place, [], () => {
    if (second === null && existsSync(note)) second = run(place, [], never);
    return false;
  });
  const refused = await (second as Promise<Ended> | null);
  expect(first.code).toBe(0);
  // A machine that is slow enough lets the first one end before: then the directory is no longer empty.
  expect(refused?.code).toBe(1);
  expect(JSON.parse(refused?.stderr ?? '').error.code).toBe('RESTORE_DIRECTORY');
});

test('Postgres itself replays to the target where that is left to it', async () => {
  await using place = await Place.make();
  const done = await run(place, ['--to-name', 'after_two', '--no-replay'], never);
  expect(done).toMatchObject({ code: 0 });
  expect(JSON.parse(done.stdout)).toMatchObject({ recovered: null });
  expect(await namesOf(place.data)).toContain('recovery.signal');
  expect(await place.marks()).toEqual([1, 2]);
});
