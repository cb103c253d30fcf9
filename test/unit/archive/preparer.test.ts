import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMPRESSIONS, decompressBytes } from '../../../src/archive/codec/compression.ts';
import { release } from '../../../src/archive/store/content.ts';
import { Preparer, prepareHere } from '../../../src/archive/wal/preparer.ts';

const SIZE = 2 * 1024 ** 2;
let root = '';
let preparer: Preparer;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-prepare-'));
  preparer = new Preparer();
});
afterEach(async () => {
  preparer.close();
  await rm(root, { recursive: true, force: true });
});

test.each(COMPRESSIONS)(
  'segments prepared in the thread are those of the files, one after the other (%s)',
  async (compression) => {
    const contents = await Promise.all(
      [1, 2, 3].map(async (number) => {
        // Each shorter than the one before: none may have the end of another.
        const bytes = randomBytes(SIZE - number * 1000);
        await writeFile(join(root, `${number}`), bytes);
        return bytes;
      }),
    );
    const prepared = await Promise.all(
      [1, 2, 3].map((number) => preparer.prepare(join(root, `${number}`), SIZE, compression)),
    );
    for (const [index, { sha256, bytes }] of prepared.entries()) {
      const original = contents[index]!;
      expect(sha256).toBe(createHash('sha256').update(original).digest('hex'));
      expect(Buffer.from(await decompressBytes(compression, bytes, SIZE)).equals(original)).toBe(true);
    }
    const here = await prepareHere(join(root, '1'), compression);
    expect(here.sha256).toBe(prepared[0]!.sha256);
  },
);

test('a file that is gone is told as the file system tells it', async () => {
  await expect(preparer.prepare(join(root, 'none'), SIZE, 'zstd')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('whoever waits when the thread ends is served without it', async () => {
  await writeFile(join(root, 'x'), randomBytes(SIZE));
  const waiting = preparer.prepare(join(root, 'x'), SIZE, 'zstd');
  preparer.close();
  expect((await waiting).sha256).toMatch(/^[0-9a-f]{64}$/);
  expect((await preparer.prepare(join(root, 'x'), SIZE, 'none')).bytes.length).toBe(SIZE);
});

test('memory that is given back is gone, and small buffers of a pool are left alone', () => {
  const large = new Uint8Array(SIZE);
  release(large);
  expect(large.byteLength).toBe(0);
  const small = Buffer.from('small');
  release(small);
  expect(small.toString()).toBe('small');
});
