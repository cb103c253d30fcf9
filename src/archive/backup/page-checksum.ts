/**
 * The checksum of a page (src/include/storage/checksum_impl.h): 32 interleaved FNV-1a sums of 32-bit words, each with
 * two rounds of zeros at its end, put together by XOR, then mixed with the page's number and brought to 1…65535.
 * Four sums at a time, so that they stay in registers: a page is walked eight times, from the first-level cache.
 */
const PRIME = 16777619;
const SUMS = 32;
/** checksumBaseOffsets: chosen at random, and part of the format. */
const OFFSETS = new Int32Array([
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
]);
/** The word with pd_checksum in its lower half (bufpage.h, PageHeaderData). */
const CHECKSUM_WORD = 2;

/**
 * The checksum that a page should carry.
 *
 * @param words of the page and others, in the byte order of this machine (as Postgres, which runs on the same)
 * @param at where the page begins, in words
 * @param length of a page, in words
 * @param block the page's number in its relation
 */
export function pageChecksum(words: Int32Array, at: number, length: number, block: number): number {
  const kept = words[at + CHECKSUM_WORD] as number;
  // The checksum does not cover itself.
  words[at + CHECKSUM_WORD] = kept & ~0xffff;
  let result = 0;
  for (let lane = 0; lane < SUMS; lane += 4) result ^= fourSums(words, at + lane, at + length, lane);
  words[at + CHECKSUM_WORD] = kept;
  return (((result ^ block) >>> 0) % 65535) + 1;
}

function fourSums(words: Int32Array, from: number, end: number, lane: number): number {
  let a = OFFSETS[lane] as number;
  let b = OFFSETS[lane + 1] as number;
  let c = OFFSETS[lane + 2] as number;
  let d = OFFSETS[lane + 3] as number;
  for (let at = from; at < end; at += SUMS) {
    let mixed = a ^ (words[at] as number);
    a = Math.imul(mixed, PRIME) ^ (mixed >>> 17);
    mixed = b ^ (words[at + 1] as number);
    b = Math.imul(mixed, PRIME) ^ (mixed >>> 17);
    mixed = c ^ (words[at + 2] as number);
    c = Math.imul(mixed, PRIME) ^ (mixed >>> 17);
    mixed = d ^ (words[at + 3] as number);
    d = Math.imul(mixed, PRIME) ^ (mixed >>> 17);
  }
  return twice(a) ^ twice(b) ^ twice(c) ^ twice(d);
}

function twice(sum: number): number {
  const once = Math.imul(sum, PRIME) ^ (sum >>> 17);
  return Math.imul(once, PRIME) ^ (once >>> 17);
}

/** What a page carries. */
export function carriedChecksum(words: Int32Array, at: number): number {
  return (words[at + CHECKSUM_WORD] as number) & 0xffff;
}

/** The LSN of the last change of a page, as a byte position (PageXLogRecPtr: two words, the higher first). */
export function pageLsn(words: Int32Array, at: number): number {
  return ((words[at] as number) >>> 0) * 0x1_0000_0000 + ((words[at + 1] as number) >>> 0);
}

/** Whether nothing was ever written to a page (PageIsNew: pd_upper is 0). */
export function isNewPage(words: Int32Array, at: number): boolean {
  return (words[at + 3] as number) >>> 16 === 0;
}
