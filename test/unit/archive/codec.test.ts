import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Codec, parseEncodedName } from '../../../src/archive/codec/codec.ts';
import { COMPRESSIONS } from '../../../src/archive/codec/compression.ts';
import { encryptionKey, KeyRing, readKeys } from '../../../src/archive/codec/encryption-key.ts';
import { ObjectMissingError } from '../../../src/archive/errors.ts';
import { blocksOf, collect, piecesOf } from '../../../src/archive/store/content.ts';

const keys = new KeyRing([encryptionKey(randomBytes(32))]);
const BLOCK = 64 * 1024;

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe.each(
  COMPRESSIONS.flatMap((compression) => [true, false].map((encrypted) => ({ compression, encrypted }))),
)('$compression, encrypted: $encrypted', ({ compression, encrypted }) => {
  const codec = new Codec(compression, encrypted ? keys : null);
  const key = codec.keyOf('wal_005/x');
  const readers = (bytes: Uint8Array) => [
    () => decode(bytes),
    () => codec.decodeBytes('store', key, bytes, { stored: bytes.length, expected: 200_000 }),
  ];
  const decode = (content: Uint8Array | AsyncIterable<Uint8Array>, name = key) =>
    collect(codec.decode('store', name, content));

  test.each([0, 1, BLOCK, 1_000_003])(
    'gives back %d bytes at once, whatever it was told to expect',
    async (size) => {
      const bytes = randomBytes(size);
      const whole = await codec.encodeBytes('wal_005/x', bytes);
      for (const expected of [0, size, 2 * size])
        expect(
          Buffer.from(await codec.decodeBytes('store', key, whole, { stored: expected, expected })).equals(
            bytes,
          ),
        ).toBe(true);
    },
  );

  test.each([0, 1, BLOCK - 1, BLOCK, 3 * BLOCK, 1_000_003])('gives back %d bytes', async (size) => {
    const bytes = randomBytes(size);
    const whole = await codec.encodeBytes('wal_005/x', bytes);
    expect((await decode(whole)).equals(bytes)).toBe(true);
    const streamed = await collect(codec.encodeStream('wal_005/x', inPieces(bytes, 70_001)));
    expect((await decode(inPieces(streamed, 999))).equals(bytes)).toBe(true);
  });

  // What is stored as it is has nothing to tell by; its hash beside the object does.
  const tells = compression !== 'none' || encrypted;
  if (tells)
    test('tells what is cut short or changed', async () => {
      const whole = Buffer.from(await codec.encodeBytes('wal_005/x', randomBytes(200_000)));
      for (const length of [10, 70_000, whole.length - 1])
        for (const read of readers(whole.subarray(0, length)))
          await expect(read(), `${length}`).rejects.toMatchObject({ code: 'ARCHIVE_OBJECT_DAMAGED' });
      for (const at of [80, 100_000, whole.length - 1]) {
        const changed = Buffer.from(whole);
        changed[at] = changed[at]! ^ 1;
        for (const read of readers(changed))
          await expect(read(), `${at}`).rejects.toMatchObject({ code: 'ARCHIVE_OBJECT_DAMAGED' });
      }
    });

  test('knows its own name again', () => {
    expect(parseEncodedName(key)).toEqual({ name: 'wal_005/x', compression, encrypted });
    expect(codec.keysOf('wal_005/x')[0]).toBe(key);
  });
});

describe('what another program compressed in several pieces', () => {
  const parts = [randomBytes(3), randomBytes(300_000), Buffer.alloc(2_000_000), randomBytes(70_000)];
  const all = Buffer.concat(parts);
  const codec = new Codec('none', null);
  const kinds = [
    { key: 'x.zst', compress: (bytes: Buffer) => zstdCompressSync(bytes) },
    { key: 'x.gz', compress: (bytes: Buffer) => gzipSync(bytes) },
  ];

  test.each(kinds)('is read to its end: $key', async ({ key, compress }) => {
    const pieces = parts.map(compress);
    const stored = Buffer.concat(pieces);
    for (const expected of [0, all.length]) {
      const read = await codec.decodeBytes('store', key, stored, { stored: stored.length, expected });
      expect(Buffer.from(read).equals(all)).toBe(true);
    }
    const streams = [
      piecesOf(stored),
      inPieces(stored, 777),
      inPieces(stored, 65_536),
      Readable.from(pieces),
    ];
    for (const stream of streams)
      expect((await collect(codec.decode('store', key, stream))).equals(all)).toBe(true);
  });

  test('is damaged where a later piece is cut short, or is none', async () => {
    const pieces = parts.map((bytes) => zstdCompressSync(bytes));
    const stored = Buffer.concat(pieces);
    const cut = stored.subarray(0, stored.length - 5);
    for (const bytes of [cut, Buffer.concat([stored, Buffer.from('no frame of zstd at all')])]) {
      await expect(
        codec.decodeBytes('store', 'x.zst', bytes, { stored: bytes.length, expected: all.length }),
      ).rejects.toMatchObject({ code: 'ARCHIVE_OBJECT_DAMAGED' });
      for (const stream of [piecesOf(bytes), inPieces(bytes, 777)])
        await expect(collect(codec.decode('store', 'x.zst', stream))).rejects.toMatchObject({
          code: 'ARCHIVE_OBJECT_DAMAGED',
        });
    }
  });

  test('lets its source go when the reader leaves early, and tells of a source that fails', async () => {
    let isOver = false;
    async function* endless() {
      try {
        for (;;) yield zstdCompressSync(randomBytes(100_000));
      } finally {
        isOver = true;
      }
    }
    for await (const _ of codec.decode('store', 'x.zst', endless())) break;
    expect(isOver).toBe(true);
    async function* failing() {
      yield zstdCompressSync(randomBytes(1000));
      throw new ObjectMissingError('store', 'x.zst');
    }
    await expect(collect(codec.decode('store', 'x.zst', failing()))).rejects.toMatchObject({
      code: 'ARCHIVE_OBJECT_MISSING',
    });
  });
});

describe('encryption', () => {
  const codec = new Codec('zstd', keys);

  test('refuses an object under another name, and blocks in another order', async () => {
    const sealed = Buffer.from(await new Codec('none', keys).encodeBytes('a', randomBytes(3 * BLOCK)));
    const plain = new Codec('none', keys);
    await expect(collect(plain.decode('store', 'b.aes', sealed))).rejects.toMatchObject({
      code: 'ARCHIVE_OBJECT_DAMAGED',
    });
    const header = 56;
    const block = BLOCK + 16;
    const swapped = Buffer.concat([
      sealed.subarray(0, header),
      sealed.subarray(header + block, header + 2 * block),
      sealed.subarray(header, header + block),
      sealed.subarray(header + 2 * block),
    ]);
    await expect(collect(plain.decode('store', 'a.aes', swapped))).rejects.toMatchObject({
      code: 'ARCHIVE_OBJECT_DAMAGED',
    });
    // Cut exactly between two blocks.
    const cut = sealed.subarray(0, header + 2 * block);
    await expect(collect(plain.decode('store', 'a.aes', cut))).rejects.toMatchObject({
      code: 'ARCHIVE_OBJECT_DAMAGED',
    });
  });

  test('hides the content and its hash, yet tells whether two are the same', async () => {
    const bytes = Buffer.alloc(100_000, 'secret ');
    const sealed = Buffer.from(await codec.encodeBytes('x', bytes));
    expect(sealed.includes('secret')).toBe(false);
    const metadata = codec.metadataFor('ab'.repeat(32));
    expect(JSON.stringify(metadata)).not.toContain('abab');
    expect(metadata['pgwarden-key-id']).toBe(keys.current.id);
    expect(codec.matches(metadata, 'ab'.repeat(32))).toBe(true);
    expect(codec.matches(metadata, 'cd'.repeat(32))).toBe(false);
    expect(codec.matches({}, 'ab'.repeat(32))).toBeNull();
  });

  test('reads what an older key sealed as long as it is in the file, and says which one lacks', async () => {
    const old = encryptionKey(randomBytes(32));
    const sealed = await new Codec('zstd', new KeyRing([old])).encodeBytes('x', Buffer.from('old'));
    const both = new Codec('zstd', new KeyRing([keys.current, old]));
    expect((await collect(both.decode('store', 'x.zst.aes', sealed))).toString()).toBe('old');
    await expect(collect(codec.decode('store', 'x.zst.aes', sealed))).rejects.toMatchObject({
      code: 'ARCHIVE_KEY',
      message: expect.stringContaining(old.id),
    });
    const none = new Codec('zstd', null);
    await expect(collect(none.decode('store', 'x.zst.aes', sealed))).rejects.toMatchObject({
      code: 'ARCHIVE_KEY',
    });
  });

  test('lets its source go where the key is lacking', async () => {
    const other = new KeyRing([encryptionKey(randomBytes(32))]);
    const sealed = await new Codec('zstd', other).encodeBytes('x', randomBytes(1000));
    let isOver = false;
    async function* source() {
      try {
        yield sealed;
      } finally {
        isOver = true;
      }
    }
    await expect(collect(codec.decode('store', 'x.zst.aes', source()))).rejects.toMatchObject({
      code: 'ARCHIVE_KEY',
    });
    expect(isOver).toBe(true);
  });
});

describe('a file of keys', () => {
  let directory = '';
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-keys-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  const read = async (text: string) => {
    const path = join(directory, 'keys');
    await writeFile(path, text);
    return await readKeys(path);
  };

  test('has a key a line, in base64 or hex, the first of which encrypts', async () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    const ring = await read(`# the new one\n${a.toString('base64')}\n\n${b.toString('hex')}\n`);
    expect(ring.current.secret.equals(a)).toBe(true);
    expect(ring.get(encryptionKey(b).id).secret.equals(b)).toBe(true);
  });

  test('is refused where a line is no key, without telling it', async () => {
    const bad = randomBytes(16).toString('hex');
    const error = await read(`${bad}\n`).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ code: 'ARCHIVE_KEY' });
    expect(error!.message).toContain('line 1');
    expect(error!.message).not.toContain(bad);
    await expect(read('\n')).rejects.toMatchObject({ code: 'ARCHIVE_KEY' });
    await expect(readKeys(join(directory, 'none'))).rejects.toMatchObject({ code: 'ARCHIVE_KEY' });
  });
});

test('blocks are of one size but the last, and there is always one', async () => {
  const sizes = async (total: number) => {
    const found: number[] = [];
    for await (const block of blocksOf(inPieces(Buffer.alloc(total), 7), 10)) found.push(block.length);
    return found;
  };
  expect(await sizes(0)).toEqual([0]);
  expect(await sizes(9)).toEqual([9]);
  expect(await sizes(10)).toEqual([10]);
  expect(await sizes(25)).toEqual([10, 10, 5]);
  expect((await collect(piecesOf(Buffer.from('x')))).toString()).toBe('x');
});
