import { lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Backup } from '../catalog/backup.ts';
import type { WalInventory } from '../catalog/wal-inventory.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { TAIL_FOLDER, WAL_FOLDER } from '../layout.ts';
import { parseTailKey } from '../tail/names.ts';
import { parseSegment, walFileKind } from '../wal/names.ts';

/** Segments of every timeline that stay. */
export interface WalToKeep {
  readonly segmentBytes: number;
  /**
   * Segments from this number on stay, on every timeline: replay only ever goes forward, so no backup that begins at
   * or behind it can use what lies before. Null: all of them stay.
   */
  readonly from: number | null;
  /** Before that, these stay: what a permanent backup needs to be consistent, and no more. */
  readonly besides: readonly { readonly first: number; readonly last: number }[];
}

/** Backups that stay, by what of WAL stays with them. */
export interface Needs {
  /** From their start on, on every timeline. */
  readonly whole: readonly Backup[];
  /** From their start to their end. */
  readonly consistent: readonly Backup[];
  /** Ids of what may be backups: WAL stays from the segment that each is named after. */
  readonly named: readonly string[];
}

export function walToKeep({ segmentBytes }: WalInventory, { whole, consistent, named }: Needs): WalToKeep {
  const numberAt = (lsn: Backup['startLsn']): number => Math.floor(lsnBytes(lsn) / segmentBytes);
  const firsts = whole.map(({ startLsn }) => numberAt(startLsn));
  for (const id of named) {
    const name = /^base_([0-9A-F]{24})(?:_|$)/.exec(id)?.[1];
    const segment = name === undefined ? null : parseSegment(name, segmentBytes);
    // Whose beginning nobody knows may need anything.
    firsts.push(segment?.number ?? 0);
  }
  return {
    segmentBytes,
    // With no backup that goes on from here, nothing says which WAL is of no use.
    from: whole.length === 0 ? null : Math.min(...firsts),
    besides: consistent.map(({ startLsn, endLsn }) => ({
      first: numberAt(startLsn),
      // The end may be the very beginning of a segment, whose first page is not needed then.
      last: Math.floor(Math.max(lsnBytes(startLsn), lsnBytes(endLsn) - 1) / segmentBytes),
    })),
  };
}

/** Whether an object of the folder of WAL, or of the tail's, may go. What is not understood never may. */
export function isSpare(key: string, { segmentBytes, from, besides }: WalToKeep): boolean {
  if (from === null) return false;
  const stays = (number: number): boolean =>
    number >= from || besides.some(({ first, last }) => number >= first && number <= last);
  if (key.startsWith(TAIL_FOLDER)) {
    const piece = parseTailKey(key);
    return piece !== null && !stays(Math.floor((lsnBytes(piece.end) - 1) / segmentBytes));
  }
  if (!key.startsWith(WAL_FOLDER)) return false;
  const { name } = parseEncodedName(key.slice(WAL_FOLDER.length));
  const kind = walFileKind(name);
  // A history is small, and the way to every timeline after it.
  if (kind === null || kind === 'history') return false;
  const segment = parseSegment(name, segmentBytes);
  return segment !== null && !stays(segment.number);
}

/** How many segments of an inventory may go, by timeline: for people. */
export function spareSegments(
  inventory: WalInventory,
  { from, besides }: WalToKeep,
): { readonly timeline: TimelineId; readonly segments: number }[] {
  if (from === null) return [];
  return [...inventory.timelines.values()].flatMap(({ timeline, segments }) => {
    let count = 0;
    for (const run of segments.runs)
      for (let number = run.first; number <= Math.min(run.last, from - 1); number++)
        if (!besides.some(({ first, last }) => number >= first && number <= last)) count += 1;
    return count === 0 ? [] : [{ timeline, segments: count }];
  });
}
