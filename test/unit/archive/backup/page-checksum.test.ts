import { describe, expect, test } from 'vitest';
import { pageChecksum } from '../../../../src/archive/backup/page-checksum.ts';
import { verifyPages } from '../../../../src/archive/backup/verify-pages.ts';

const PAGE = 8192;

/** A page with an LSN, pd_upper, content, and the right checksum. */
function page(block: number, lsn = 100): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PAGE);
  for (let at = 24; at < PAGE; at++) bytes[at] = (at * 31 + block) & 255;
  const view = new DataView(bytes.buffer);
  view.setUint32(4, lsn, true);
  view.setUint16(14, 4096, true);
  view.setUint16(8, pageChecksum(new Int32Array(bytes.buffer), 0, PAGE / 4, block), true);
  return bytes;
}

/** checksum_impl.h word for word: one row of 32 sums after the other. */
function plain(words: Int32Array, block: number): number {
  const sums = Int32Array.from([
    0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c,
    0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb,
    0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
    0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
  ]);
  const copy = words.slice();
  copy[2] = (copy[2] ?? 0) & 0xffff0000;
  const mix = (sum: number, value: number): number => {
    const mixed = (sum ^ value) | 0;
    return Math.imul(mixed, 16777619) ^ (mixed >>> 17);
  };
  for (let row = 0; row < copy.length; row += 32)
    for (let lane = 0; lane < 32; lane++) sums[lane] = mix(sums[lane] ?? 0, copy[row + lane] ?? 0);
  let result = 0;
  for (const sum of sums) result ^= mix(mix(sum, 0), 0);
  return (((result ^ block) >>> 0) % 65535) + 1;
}

const check = { pageBytes: PAGE, firstBlock: 0, startLsn: 1000 };
const never = (): boolean => {
  throw new Error('it was read again');
};

describe('the checksum of a page', () => {
  test('is that of the algorithm, row by row', () => {
    const bytes = new Uint8Array(PAGE);
    const words = new Int32Array(bytes.buffer);
    for (let word = 0; word < words.length; word++) words[word] = word;
    expect(pageChecksum(words, 0, PAGE / 4, 0)).toBe(plain(words, 0));
    expect(pageChecksum(words, 0, PAGE / 4, 4711)).toBe(plain(words, 4711));
  });

  test('does not cover itself, and leaves the page as it was', () => {
    const bytes = page(3);
    const other = bytes.slice();
    other[8] = 1;
    other[9] = 2;
    const before = other.slice();
    const sum = pageChecksum(new Int32Array(bytes.buffer), 0, PAGE / 4, 3);
    expect(pageChecksum(new Int32Array(other.buffer), 0, PAGE / 4, 3)).toBe(sum);
    expect(other).toEqual(before);
  });
});

describe('pages of a file', () => {
  test('are fine when they carry what they should', () => {
    const piece = new Uint8Array([...page(0), ...page(1)]);
    expect(verifyPages('base/5/1', piece, 0, check, never)).toEqual([]);
  });

  test('are named with their block when they do not', () => {
    const piece = new Uint8Array([...page(64), ...page(65)]);
    piece[PAGE + 500] = (piece[PAGE + 500] ?? 0) ^ 1;
    const bad = verifyPages('base/5/1', piece, 64 * PAGE, check, () => true);
    expect(bad).toMatchObject([{ file: 'base/5/1', block: 65 }]);
  });

  test('are read again before they are called bad: they may have been written just then', () => {
    const whole = page(0);
    const torn = whole.slice();
    torn.fill(0, 4096);
    let read = 0;
    const bad = verifyPages('f', torn, 0, check, (bytes, at) => {
      read += 1;
      expect(at).toBe(0);
      bytes.set(whole);
      return true;
    });
    expect([bad, read]).toEqual([[], 1]);
  });

  test('are left to WAL when they were changed after the start, and when the file ends before them', () => {
    const newer = page(0, 2000);
    newer[600] = 99;
    expect(verifyPages('f', newer, 0, check, never)).toEqual([]);
    const bad = page(0);
    bad[600] = 99;
    expect(verifyPages('f', bad, 0, check, () => false)).toEqual([]);
  });

  test('carry none while they are new, which is to say all zeros', () => {
    expect(verifyPages('f', new Uint8Array(PAGE), 0, check, never)).toEqual([]);
    const half = new Uint8Array(PAGE);
    half[5000] = 1;
    expect(verifyPages('f', half, 0, check, () => true)).toHaveLength(1);
  });

  test('count from the beginning of their relation, and a part of a page at the end is none', () => {
    const piece = new Uint8Array([...page(131072 + 2), 1, 2, 3, 4]);
    const second = { ...check, firstBlock: 131072 };
    expect(verifyPages('f.1', piece, 2 * PAGE, second, never)).toEqual([]);
  });
});
