import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';

/** From `start` on to before `end`; within one segment. */
export interface Range {
  readonly start: Lsn;
  readonly end: Lsn;
}

/** An object of the tail is made in memory: it holds no more than this. */
const MOST = 16 * 1024 * 1024;

/**
 * What the tail lacks when it ends at `position` and WAL up to `confirmed` may be told: the rest of the segment that
 * `position` is in, and the beginning of the one that `confirmed` is in. Whole segments between are the archive's.
 */
export function missingRanges(position: Lsn, confirmed: Lsn, segmentBytes: number): Range[] {
  const from = lsnBytes(position);
  const to = lsnBytes(confirmed);
  if (to <= from) return [];
  const restEnds = (Math.floor(from / segmentBytes) + 1) * segmentBytes;
  const begun = Math.floor(to / segmentBytes) * segmentBytes;
  return [...pieces(from, Math.min(restEnds, to)), ...(begun >= restEnds ? pieces(begun, to) : [])];
}

function pieces(from: number, to: number): Range[] {
  const found: Range[] = [];
  for (let start = from; start < to; start += MOST)
    found.push({ start: lsnAt(start), end: lsnAt(Math.min(to, start + MOST)) });
  return found;
}
