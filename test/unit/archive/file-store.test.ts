import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { collect } from '../../../src/archive/store/content.ts';
import { Disk } from '../../../src/archive/store/file/disk.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';

const signal = AbortSignal.timeout(30_000);
let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-file-'));
  return () => rm(root, { recursive: true, force: true });
});

describe('a file system without hard links', () => {
  const link = async (): Promise<never> => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
  };

  test('is found out, and an object is made once however many try', async () => {
    const stores = await Promise.all(
      [1, 2, 3, 4].map(async () => {
        const store = new FileStore(root, { link });
        await store.prepareToWrite({ signal });
        return store;
      }),
    );
    expect(stores.map(({ creation }) => creation)).toEqual(Array(4).fill('looked-up'));
    const outcomes = await Promise.all(
      stores.map((store, index) => store.create('a/b', Buffer.from(`${index}`), { signal })),
    );
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    const winner = `${outcomes.indexOf('created')}`;
    expect((await collect((await stores[0]!.get('a/b', { signal })).body)).toString()).toBe(winner);
    expect(await readdir(join(root, '.incoming'))).toEqual([]);
  });

  test('goes on after a writer that died with the lock', async () => {
    const store = new FileStore(root, { link });
    await store.prepareToWrite({ signal });
    const hash = createHash('sha256').update(join(root, 'x')).digest('hex');
    const lock = join(root, '.incoming', `${hash.slice(0, 32)}.lock`);
    await writeFile(lock, '');
    await expect(
      store.create('x', Buffer.from('1'), { signal: AbortSignal.timeout(300) }),
    ).rejects.toMatchObject({
      code: 'ARCHIVE_UNREACHABLE',
    });
    const past = new Date(Date.now() - 120_000);
    await utimes(lock, past, past);
    expect(await store.create('x', Buffer.from('2'), { signal })).toBe('created');
  });
});

test('a file system that hangs holds up no more than two threads of this process, and is told of', async () => {
  const pipes = ['a', 'b'].map((name) => join(root, name));
  for (const pipe of pipes) execFileSync('mkfifo', [pipe]);
  const disk = new Disk('file:///x', 200);
  // Opening a pipe for reading waits for a writer: a call that cannot be aborted.
  const late: FileHandle[] = [];
  const hanging = pipes.map((pipe) =>
    disk.call(
      () => open(pipe, 'r'),
      signal,
      (file) => void late.push(file),
    ),
  );
  const waiting = disk.call(() => stat(root), signal);
  for (const one of [...hanging, waiting])
    await expect(one).rejects.toMatchObject({ code: 'ARCHIVE_UNREACHABLE' });
  const began = performance.now();
  await expect(disk.call(() => stat(root), signal)).rejects.toMatchObject({ code: 'ARCHIVE_UNREACHABLE' });
  expect(performance.now() - began).toBeLessThan(100);
  // Everybody else's files are there.
  await writeFile(join(root, 'other'), 'x');
  expect(await readFile(join(root, 'other'), 'utf8')).toBe('x');
  const writers = await Promise.all(pipes.map((pipe) => open(pipe, constants.O_RDWR)));
  await expect.poll(() => late.length).toBe(2);
  for (const file of [...late, ...writers]) await file.close();
  expect((await disk.call(() => stat(root), signal)).isDirectory()).toBe(true);
});

test('a call that is given up leaves its turn to others once it has ended', async () => {
  const disk = new Disk('file:///x');
  const gone = new AbortController();
  const released = Promise.withResolvers<void>();
  const first = disk.call(() => released.promise, gone.signal);
  gone.abort();
  await expect(first).rejects.toMatchObject({ name: 'AbortError' });
  released.resolve();
  expect(await Promise.all([1, 2, 3, 4].map((n) => disk.call(async () => n)))).toEqual([1, 2, 3, 4]);
});
