import type { BadPage } from './errors.ts';
import { carriedChecksum, isNewPage, pageChecksum, pageLsn } from './page-checksum.ts';

/** How the pages of a file are to be checked. */
export interface PageCheck {
  /** Bytes of a page. */
  readonly pageBytes: number;
  /** The number of the file's first page in its relation. */
  readonly firstBlock: number;
  /** Pages changed since here are replayed from WAL whatever they hold: they may be torn. A byte position. */
  readonly startLsn: number;
}

/**
 * Checks the whole pages of a piece of a file, as basebackup.c's `sendFile` does: new pages carry no checksum, pages
 * changed since the start are left to WAL, and one that is wrong is read again, since it may have been written just
 * then.
 *
 * @param offset of the piece in the file, a multiple of a page
 * @param reread fills `bytes` from `at` in the file; false: the file has ended before
 */
export function verifyPages(
  file: string,
  piece: Uint8Array,
  offset: number,
  check: PageCheck,
  reread: (bytes: Uint8Array, at: number) => boolean,
): BadPage[] {
  const { pageBytes, firstBlock } = check;
  const words = new Int32Array(piece.buffer, piece.byteOffset, piece.length >> 2);
  const pageWords = pageBytes >> 2;
  const bad: BadPage[] = [];
  const pages = Math.floor(piece.length / pageBytes);
  for (let page = 0; page < pages; page++) {
    const at = page * pageWords;
    const inFile = offset / pageBytes + page;
    let found = wrong(words, at, pageWords, firstBlock + inFile, check);
    if (found === null) continue;
    const bytes = piece.subarray(page * pageBytes, (page + 1) * pageBytes);
    // A file that was cut short meanwhile: WAL tells so, too.
    if (!reread(bytes, offset + page * pageBytes)) return bad;
    found = wrong(words, at, pageWords, firstBlock + inFile, check);
    if (found !== null) bad.push({ file, block: inFile, ...found });
  }
  return bad;
}

function wrong(
  words: Int32Array,
  at: number,
  length: number,
  block: number,
  { startLsn }: PageCheck,
): { readonly expected: number; readonly found: number } | null {
  if (isNewPage(words, at)) {
    // Beyond basebackup.c, as bufpage.c's PageIsVerified: a new page is all zeros.
    for (let word = at; word < at + length; word++)
      if (words[word] !== 0) return { expected: 0, found: carriedChecksum(words, at) };
    return null;
  }
  if (pageLsn(words, at) >= startLsn) return null;
  const expected = pageChecksum(words, at, length, block);
  const found = carriedChecksum(words, at);
  return expected === found ? null : { expected, found };
}
