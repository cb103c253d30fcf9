import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMPRESSIONS, type Compression, compressBytes } from '../../../src/archive/codec/compression.ts';
import { copyInto } from '../../../src/archive/store/content.ts';
import { Rooms } from '../../../src/archive/wal/rooms.ts';
import { SegmentWorkError } from '../../../src/archive/wal/segment-thread.ts';
import { type Packed, Unpacker } from '../../../src/archive/wal/unpacker.ts';

const SIZE = 2 * 1024 ** 2;
let root = '';
let unpacker: Unpacker;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-unpack-'));
  unpacker = new Unpacker();
});
afterEach(async () => {
  unpacker.close();
  await rm(root, { recursive: true, force: true });
});

function packed(compression: Compression, bytes: Uint8Array, hashed = false): Packed {
  return {
    readInto: async (room) => {
      copyInto(room, bytes);
      return bytes.length;
    },
    compression,
    stored: bytes.length,
    expected: SIZE,
    hashed,
  };
}

test.each(COMPRESSIONS)('what is unpacked at once comes to its own file (%s)', async (compression) => {
  // Each shorter than the one before: none may have the end of another.
  const contents = [1, 2, 3].map((number) => randomBytes(SIZE - number * 1000));
  const results = await Promise.all(
    contents.map(async (bytes, index) =>
      unpacker.unpack(
        join(root, `${index}`),
        packed(compression, await compressBytes(compression, bytes), true),
      ),
    ),
  );
  for (const [index, bytes] of contents.entries()) {
    expect((await readFile(join(root, `${index}`))).equals(bytes)).toBe(true);
    expect(results[index]).toEqual({
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  }
});

test('zstd of several frames is unpacked to its end', async () => {
  const halves = [randomBytes(SIZE / 2), Buffer.alloc(SIZE / 2, 'x')];
  const frames = await Promise.all(halves.map((half) => compressBytes('zstd', half)));
  const { size, sha256 } = await unpacker.unpack(join(root, 'x'), packed('zstd', Buffer.concat(frames)));
  expect([size, sha256]).toEqual([SIZE, null]);
  expect((await readFile(join(root, 'x'))).equals(Buffer.concat(halves))).toBe(true);
});

test.each(['zstd', 'gzip'] as const)(
  'damage and a short end are told from a fault of the disk (%s)',
  async (how) => {
    const whole = await compressBytes(how, randomBytes(SIZE));
    const short = whole.subarray(0, whole.length - 5);
    const damaged = Buffer.from(whole);
    damaged[SIZE / 2]! ^= 1;
    for (const bytes of [short, damaged]) {
      const failure = await unpacker
        .unpack(join(root, 'x'), packed(how, bytes))
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SegmentWorkError);
      expect(failure).toMatchObject({ isOfFile: false });
    }
    await expect(unpacker.unpack(join(root, 'no', 'x'), packed(how, whole))).rejects.toMatchObject({
      isOfFile: true,
      code: 'ENOENT',
    });
    // It goes on after all of that.
    expect((await unpacker.unpack(join(root, 'y'), packed(how, whole))).size).toBe(SIZE);
  },
);

test('whoever waits when the thread ends is served without it', async () => {
  const bytes = randomBytes(SIZE);
  const compressed = await compressBytes('zstd', bytes);
  const waiting = unpacker.unpack(join(root, 'x'), packed('zstd', compressed));
  await Promise.resolve();
  unpacker.close();
  expect((await waiting).size).toBe(SIZE);
  await expect(
    unpacker.unpack(join(root, 'y'), packed('zstd', compressed.subarray(9))),
  ).rejects.toMatchObject({
    isOfFile: false,
  });
  expect((await readFile(join(root, 'x'))).equals(bytes)).toBe(true);
});

test('memory that was given back is used again where it is large enough, and what does not fit is refused', () => {
  const rooms = new Rooms();
  const room = rooms.take(100);
  rooms.giveBack(room);
  expect(rooms.take(200)).not.toBe(room);
  expect(rooms.take(50)).toBe(room);
  expect(() => copyInto(room, new Uint8Array(60), 50)).toThrow(RangeError);
});
