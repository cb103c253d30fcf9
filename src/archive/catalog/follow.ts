import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { holeFreeRun } from '../tail/run.ts';
import { segmentName } from '../wal/names.ts';
import type { Stretch, TimelinePath } from './timelines.ts';
import type { WalInventory } from './wal-inventory.ts';

/** Where replay ends: in a segment, or in what the live tail has of one. */
export interface WalEnd {
  readonly timeline: TimelineId;
  readonly number: number;
  readonly fromTail: boolean;
}

/** How far replay gets along a path. */
export interface Followed {
  /** WAL is there from the start to here. */
  readonly until: Lsn;
  /** The last file of it; null: not even the first is there. */
  readonly last: WalEnd | null;
  /** The first file that is not there. */
  readonly missing: string;
  /** Whether there is WAL of this path beyond what is missing: a hole, not the end. */
  readonly isHole: boolean;
}

/** WAL of one segment that a path can use: up to where. */
interface Usable extends WalEnd {
  readonly until: number;
  /** Segments up to this one are there in the same way. */
  readonly lastNumber: number;
}

/**
 * Follows a path from an LSN on as recovery does: of each segment it takes the newest timeline's that had begun by
 * then (xlogrecovery.c, XLogFileReadAnyTLI), whole where the archive has it, else what the live tail has of it.
 */
export function follow(inventory: WalInventory, path: TimelinePath, start: Lsn): Followed {
  const { segmentBytes } = inventory;
  let number = Math.floor(lsnBytes(start) / segmentBytes);
  let until = lsnBytes(start);
  let last: WalEnd | null = null;
  for (;;) {
    const usable = usableAt(inventory, path, number);
    if (usable === null) break;
    last = { timeline: usable.timeline, number: usable.lastNumber, fromTail: usable.fromTail };
    until = Math.max(until, usable.until);
    number = usable.lastNumber + 1;
    // What ends within its segment has nothing behind it that could follow.
    if (usable.until < number * segmentBytes) {
      number = usable.lastNumber;
      break;
    }
  }
  const owner = newestAt(path, number, segmentBytes);
  return {
    until: lsnAt(until),
    last,
    missing: segmentName({ timeline: owner.timeline, number }, segmentBytes),
    isHole: nextOn(inventory, path, number + 1) !== null,
  };
}

/** The first segment of a path from `number` on of which the archive has anything; null: none. */
export function nextOn(inventory: WalInventory, path: TimelinePath, number: number): number | null {
  let first: number | null = null;
  for (const stretch of path) {
    const wal = inventory.timelines.get(stretch.timeline);
    if (wal === undefined) continue;
    const { from, to } = segmentsOf(stretch, inventory.segmentBytes);
    const tail = wal.tail
      .map((piece) => Math.floor(lsnBytes(piece.start) / inventory.segmentBytes))
      .find((one) => one >= Math.max(from, number));
    for (const found of [wal.segments.nextFrom(Math.max(from, number)), tail ?? null])
      if (found !== null && found < to && (first === null || found < first)) first = found;
  }
  return first;
}

/** Of the timelines that had begun by a segment, the newest that the archive has anything of. */
function usableAt(inventory: WalInventory, path: TimelinePath, number: number): Usable | null {
  const { segmentBytes } = inventory;
  const start = number * segmentBytes;
  for (let index = path.length - 1; index >= 0; index--) {
    const stretch = path[index] as Stretch;
    if (index > 0 && Math.floor(lsnBytes(stretch.begin) / segmentBytes) > number) continue;
    const wal = inventory.timelines.get(stretch.timeline);
    const limit = stretch.end === null ? Number.POSITIVE_INFINITY : lsnBytes(stretch.end);
    if (wal === undefined || limit <= start) continue;
    const end = { timeline: stretch.timeline, number };
    const runsTo = wal.segments.lastFrom(number);
    if (runsTo !== null) {
      // Only to before the segment in which the next timeline begins: of that one the next one's is taken.
      const next = path[index + 1];
      const before = next === undefined ? runsTo : Math.floor(lsnBytes(next.begin) / segmentBytes) - 1;
      const lastNumber = Math.max(number, Math.min(runsTo, before));
      return { ...end, fromTail: false, lastNumber, until: Math.min(limit, (lastNumber + 1) * segmentBytes) };
    }
    const run = holeFreeRun(wal.tail, start, Math.min(limit, start + segmentBytes));
    if (run.end > start) return { ...end, fromTail: true, lastNumber: number, until: run.end };
  }
  return null;
}

/** The timeline that a segment of this number is looked for on first. */
function newestAt(path: TimelinePath, number: number, segmentBytes: number): Stretch {
  let newest = path[0] as Stretch;
  for (const stretch of path)
    if (Math.floor(lsnBytes(stretch.begin) / segmentBytes) <= number) newest = stretch;
  return newest;
}

/** Segments of a stretch that a path takes: from the one it begins in, to before `to`. */
function segmentsOf({ begin, end }: Stretch, segmentBytes: number): { from: number; to: number } {
  return {
    from: Math.floor(lsnBytes(begin) / segmentBytes),
    to: end === null ? Number.POSITIVE_INFINITY : Math.ceil(lsnBytes(end) / segmentBytes),
  };
}
