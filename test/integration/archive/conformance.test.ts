import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArchiveError, ObjectMissingError } from '../../../src/archive/errors.ts';
import { collect } from '../../../src/archive/store/content.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import { DEFAULT_S3, openStore } from '../../../src/archive/store/open.ts';
import type { ObjectStore } from '../../../src/archive/store/ports.ts';
import type { S3Settings } from '../../../src/archive/store/s3/client.ts';
import { S3Store } from '../../../src/archive/store/s3/s3-store.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../s3/server.ts';

const OBTAIN_WITHIN = 12 * 60_000;
const signal = AbortSignal.timeout(15 * 60_000);
const text = (content: string) => Buffer.from(content);
const MB = 1024 ** 2;

let s3: S3Server | null = null;
let noS3: string | null = null;
let directory = '';

beforeAll(async () => {
  const obtained = await obtainS3Server();
  s3 = obtained.server;
  noS3 = obtained.reason;
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-store-'));
}, OBTAIN_WITHIN);

afterAll(async () => {
  await s3?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

interface Kind {
  readonly kind: string;
  readonly isAtomic: boolean;
  open(prefix: string): Promise<ObjectStore>;
}

const settings = (): S3Settings => s3?.settings() ?? DEFAULT_S3;
let serial = 0;

const kinds: readonly Kind[] = [
  {
    kind: 'a directory',
    isAtomic: true,
    open: async (prefix) => {
      const path = join(directory, prefix);
      await mkdir(path, { recursive: true });
      return await openStore(`file://${path}`);
    },
  },
  {
    kind: 'a directory without hard links',
    isAtomic: false,
    open: async (prefix) => {
      const path = join(directory, prefix);
      await mkdir(path, { recursive: true });
      const store = new FileStore(path, {
        link: () => Promise.reject(Object.assign(new Error('EPERM: link'), { code: 'EPERM' })),
      });
      await store.prepareToWrite({ signal });
      return store;
    },
  },
  { kind: 'a bucket', isAtomic: true, open: (prefix) => openStore(`s3://${BUCKET}/${prefix}`, settings()) },
  { kind: 'the root of a bucket', isAtomic: true, open: () => openStore(`s3://${BUCKET}`, settings()) },
  {
    kind: 'a bucket whose server ignores If-None-Match',
    isAtomic: false,
    open: async (prefix) => {
      const store = await S3Store.open('s3://unconditional', {
        ...settings(),
        bucket: BUCKET,
        prefix: `${prefix}/`,
        creation: 'looked-up',
      });
      return store;
    },
  },
];

describe.each(kinds)('$kind', ({ kind, isAtomic, open }) => {
  let store: ObjectStore;

  beforeEach(async (context) => {
    if (!kind.startsWith('a directory') && noS3 !== null) context.skip(noS3);
    store = await open(`run-${++serial}`);
    return async () => {
      const keys: string[] = [];
      for await (const { key } of store.list('', { signal })) keys.push(key);
      await store.deleteMany(keys, { signal });
      store.close();
    };
  });

  const read = async (key: string, range?: { start: number; end?: number }) =>
    await collect((await store.get(key, { signal, ...(range === undefined ? {} : { range }) })).body);

  test('gives back what was put, with its metadata, time and size', async () => {
    const before = Date.now();
    await store.put('a/b.zst', text('hello'), { metadata: { 'pgwarden-sha256': 'ab12' }, signal });
    const opened = await store.get('a/b.zst', { signal });
    expect((await collect(opened.body)).toString()).toBe('hello');
    expect(opened.head).toMatchObject({ key: 'a/b.zst', size: 5, metadata: { 'pgwarden-sha256': 'ab12' } });
    expect(Math.abs(opened.head.modifiedAt.getTime() - before)).toBeLessThan(10_000);
    expect(await store.head('a/b.zst', { signal })).toEqual(opened.head);
  });

  test('replaces bytes and metadata by a put', async () => {
    await store.put('k', text('one'), { metadata: { note: 'one' }, signal });
    await store.put('k', text('second'), { signal });
    expect((await read('k')).toString()).toBe('second');
    expect((await store.head('k', { signal }))?.metadata).toEqual({});
  });

  test('creates once, and leaves what is there as it is', async () => {
    expect(await store.create('k', text('first'), { metadata: { by: '1' }, signal })).toBe('created');
    expect(await store.create('k', text('second'), { metadata: { by: '2' }, signal })).toBe('exists');
    expect((await read('k')).toString()).toBe('first');
    expect((await store.head('k', { signal }))?.metadata).toEqual({ by: '1' });
  });

  // A look before a write is no single step.
  if (isAtomic)
    test('lets one of many that create at once win, and the others know', async () => {
      const contents = Array.from({ length: 12 }, (_, index) => randomBytes(64 * 1024 + index));
      const outcomes = await Promise.all(
        contents.map((content) => store.create('race', content, { signal })),
      );
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(await read('race')).toEqual(contents[outcomes.indexOf('created')]);
    });

  test('says that an object is missing, by get and by head', async () => {
    await expect(store.get('nothing', { signal })).rejects.toBeInstanceOf(ObjectMissingError);
    expect(await store.head('nothing', { signal })).toBeNull();
  });

  test('reads a piece', async () => {
    await store.put('piece', text('0123456789'), { signal });
    expect((await read('piece', { start: 3 })).toString()).toBe('3456789');
    expect((await read('piece', { start: 3, end: 5 })).toString()).toBe('34');
    const opened = await store.get('piece', { range: { start: 8, end: 10 }, signal });
    expect(opened.head.size).toBe(10);
    expect((await collect(opened.body)).toString()).toBe('89');
  });

  test('reads into memory that is there, where it knows how, and not beyond it', async () => {
    const bytes = randomBytes(3 * MB);
    await store.put('k', bytes, { signal });
    const room = new Uint8Array(new SharedArrayBuffer(4 * MB));
    const opened = await store.get('k', { signal });
    if (opened.readInto === undefined) return;
    expect(await opened.readInto(room)).toBe(bytes.length);
    expect(bytes.equals(room.subarray(0, bytes.length))).toBe(true);
    const again = await store.get('k', { signal });
    await expect(again.readInto?.(room.subarray(0, MB))).rejects.toThrow(RangeError);
    const piece = await store.get('k', { range: { start: 5, end: 9 }, signal });
    expect(await piece.readInto?.(room)).toBe(4);
    expect(Buffer.from(room.subarray(0, 4)).equals(bytes.subarray(5, 9))).toBe(true);
  });

  test('takes what threads share', async () => {
    const bytes = randomBytes(MB);
    const shared = new Uint8Array(new SharedArrayBuffer(2 * MB));
    shared.set(bytes);
    expect(await store.create('k', shared.subarray(0, MB), { signal })).toBe('created');
    expect((await read('k')).equals(bytes)).toBe(true);
  });

  test('takes an empty object', async () => {
    await store.put('empty', new Uint8Array(), { signal });
    expect(await read('empty')).toHaveLength(0);
  });

  test.each([
    ['shorter than a part', 3 * MB],
    ['of a part and a little', 16 * MB + 5],
    ['of exactly two parts', 32 * MB],
  ])('takes a stream %s, put and created', async (_, size) => {
    const bytes = randomBytes(size);
    async function* pieces() {
      for (let at = 0; at < bytes.length; at += 777_777) yield bytes.subarray(at, at + 777_777);
    }
    await store.put('stream', pieces(), { metadata: { how: 'in parts' }, signal });
    expect((await read('stream')).equals(bytes)).toBe(true);
    expect((await store.head('stream', { signal }))?.metadata).toEqual({ how: 'in parts' });
    expect(await store.create('stream', pieces(), { signal })).toBe('exists');
    expect(await store.create('created', pieces(), { signal })).toBe('created');
    expect((await read('created')).equals(bytes)).toBe(true);
  });

  test('leaves nothing behind of a stream that fails', async () => {
    async function* broken() {
      yield randomBytes(20 * MB);
      throw new Error('the disk is gone');
    }
    await expect(store.put('broken', broken(), { signal })).rejects.toBeInstanceOf(ArchiveError);
    expect(await store.head('broken', { signal })).toBeNull();
    const keys: string[] = [];
    for await (const { key } of store.list('', { signal })) keys.push(key);
    expect(keys).toEqual([]);
  });

  test('lists by prefix, in the order of bytes, from a key on', async () => {
    const keys = ['a/1', 'a/2', 'a-/x', 'a0', 'ab/1', 'b'].sort();
    for (const key of keys) await store.put(key, text(key), { signal });
    const listed = async (prefix: string, startAfter?: string) => {
      const found: string[] = [];
      const options = startAfter === undefined ? { signal } : { signal, startAfter };
      for await (const { key, size } of store.list(prefix, options)) {
        expect(size).toBe(key.length);
        found.push(key);
      }
      return found;
    };
    expect(await listed('')).toEqual(keys);
    expect(await listed('a/')).toEqual(['a/1', 'a/2']);
    expect(await listed('a')).toEqual(['a-/x', 'a/1', 'a/2', 'a0', 'ab/1']);
    expect(await listed('a', 'a/1')).toEqual(['a/2', 'a0', 'ab/1']);
    expect(await listed('', 'ab')).toEqual(['ab/1', 'b']);
    expect(await listed('nothing/')).toEqual([]);
  });

  test('names the folders that have objects', async () => {
    for (const key of ['t/1/a', 't/1/b/c', 't/2/a', 't/3', 'u/1/a'])
      await store.put(key, text('.'), { signal });
    const folders: string[] = [];
    for await (const folder of store.folders('t/', { signal })) folders.push(folder);
    expect(folders).toEqual(['1', '2']);
    await store.deleteMany(['t/1/a', 't/1/b/c'], { signal });
    const left: string[] = [];
    for await (const folder of store.folders('t/', { signal })) left.push(folder);
    expect(left).toEqual(['2']);
  });

  test('lists more than two pages', async () => {
    const keys = Array.from({ length: 2100 }, (_, index) => `many/${String(index).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, text('x'), { signal })));
    const listed: string[] = [];
    for await (const { key } of store.list('many/', { signal })) listed.push(key);
    expect(listed).toEqual(keys);
    await store.deleteMany(keys, { signal });
    for await (const { key } of store.list('many/', { signal })) expect.unreachable(key);
  });

  test('deletes what is there, and does not mind what is not', async () => {
    for (const key of ['d/1', 'd/2', 'd/3'])
      await store.put(key, text('.'), { metadata: { m: '1' }, signal });
    await store.deleteMany(['d/1', 'd/nothing', 'd/2'], { signal });
    expect(await store.head('d/1', { signal })).toBeNull();
    expect(await store.head('d/3', { signal })).not.toBeNull();
    expect(await store.create('d/1', text('again'), { signal })).toBe('created');
    expect((await store.head('d/1', { signal }))?.metadata).toEqual({});
  });

  test('finds out how it creates, and leaves no trace of that', async () => {
    await store.check({ signal });
    await store.prepareToWrite({ signal });
    expect(store.creation).toBe(kind.endsWith('without hard links') ? 'looked-up' : 'atomic');
    for await (const { key } of store.list('', { signal })) expect.unreachable(key);
  });

  test('refuses a key that would lead out of the place', async () => {
    for (const key of ['../x', 'a//b', '/a', 'a/', '.hidden', 'a/./b', ''])
      await expect(store.put(key, text('x'), { signal }), key).rejects.toMatchObject({
        code: 'ARCHIVE_SETTINGS',
      });
  });

  test('stops when it is told to', async () => {
    const told = AbortSignal.abort();
    await expect(store.put('k', text('x'), { signal: told })).rejects.toMatchObject({
      code: 'ARCHIVE_CANCELLED',
    });
    expect(await store.head('k', { signal })).toBeNull();
  });
});
