import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompressStream } from '../../../src/archive/codec/compression.ts';
import { collect } from '../../../src/archive/store/content.ts';

const MB = 1024 ** 2;
const options = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } };
const frame = (bytes: Uint8Array): Buffer => zlib.zstdCompressSync(bytes, options);

/** One that does not say of how many bytes it is. */
async function streamed(bytes: Uint8Array): Promise<Buffer> {
  const compressor = zlib.createZstdCompress(options);
  compressor.write(bytes.subarray(0, bytes.length >> 1));
  compressor.end(bytes.subarray(bytes.length >> 1));
  return await collect(compressor);
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = async (bytes: Uint8Array, size: number): Promise<Buffer> =>
  await collect(decompressStream('zstd', inPieces(bytes, size)));

const contents: Readonly<Record<string, readonly Uint8Array[]>> = {
  'small ones': [randomBytes(300), Buffer.alloc(70_000, 'x'), randomBytes(200_000), Buffer.from('y')],
  'an empty one between others': [randomBytes(10), Buffer.alloc(0), randomBytes(10)],
  'large ones and small ones': [randomBytes(100), randomBytes(2 * MB), Buffer.alloc(3 * MB), randomBytes(5)],
  'one that is empty': [Buffer.alloc(0)],
};

describe('a stream of frames', () => {
  for (const [name, parts] of Object.entries(contents))
    for (const size of [7, 64 * 1024, 16 * MB])
      test(`${name}, in pieces of ${size} bytes`, async () => {
        // In pieces of a few bytes, the large ones would take long.
        const used = size === 7 ? parts.map((part) => part.subarray(0, 20_000)) : parts;
        expect((await read(Buffer.concat(used.map(frame)), size)).equals(Buffer.concat(used))).toBe(true);
      });

  test('of which some do not say how large they are', async () => {
    const parts = [randomBytes(50_000), randomBytes(700_000), randomBytes(9)];
    const [first, second, third] = parts as [Buffer, Buffer, Buffer];
    const stored = Buffer.concat([frame(first), await streamed(second), frame(third), await streamed(third)]);
    expect((await read(stored, 1000)).equals(Buffer.concat([first, second, third, third]))).toBe(true);
  });

  test('that is cut short anywhere ends with an error', async () => {
    const [one, two] = [frame(randomBytes(3000)), frame(Buffer.alloc(200_000, 'ab'))];
    const whole = Buffer.concat([one, two]);
    for (let length = 1; length < whole.length; length += 1 + (length % 37))
      if (length !== one.length)
        await expect(read(whole.subarray(0, length), 500), `${length} bytes`).rejects.toThrow();
  });

  test('of which a byte was changed ends with an error', async () => {
    const original = randomBytes(40_000);
    const whole = Buffer.concat([frame(original), frame(original)]);
    for (let at = 0; at < whole.length; at += 1 + (at < 40 ? 0 : at % 997)) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x55;
      const bytes = await read(damaged, 4096).catch(() => null);
      // The size of the window and a reserved bit say nothing of the content.
      if (bytes !== null) expect(bytes.equals(Buffer.concat([original, original])), `byte ${at}`).toBe(true);
    }
  });
});
