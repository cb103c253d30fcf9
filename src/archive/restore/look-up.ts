import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import type { Recoverable } from '../catalog/recoverable.ts';
import type { WalMark } from './wal-dump.ts';
import type { WalReader } from './wal-reader.ts';

/**
 * The time of the last commit (or rollback) that a way has: a recovery to a later time never finds where to stop. To
 * the end of its millisecond. Where all of it has none: the end of the backup, for then no time is one to stop at.
 *
 * A cluster that was idle for long leaves many segments without one, each of which is a download: the newest are looked
 * at first, until `within` ends. Null: none was found by then.
 */
export async function lastCommit(
  reader: WalReader,
  way: Recoverable,
  within: AbortSignal,
  signal: AbortSignal,
): Promise<Date | null> {
  const bound = AbortSignal.any([within, signal]);
  try {
    for (const segment of reader.segments(way, way.backup.startLsn, way.until).reverse()) {
      bound.throwIfAborted();
      let last: string | null = null;
      for await (const mark of reader.marks(segment, 'Transaction', bound))
        if (isOn(mark, way) && mark.kind === 'end-of-transaction' && mark.time !== null) last = mark.time;
      if (last !== null) return new Date(Math.floor(Date.parse(`${last.slice(0, 23)}Z`)) + 1);
    }
    return way.fromTime;
  } catch (error) {
    signal.throwIfAborted();
    if (within.aborted) return null;
    throw error;
  }
}

/** Where a transaction ends, or a restore point is; null: on none of these ways. */
export interface FoundAt {
  readonly lsn: Lsn;
  readonly way: Recoverable;
}

/**
 * Looks a restore point or a transaction up: the newest backup's WAL first, then, backup by backup, what lies before
 * the next one's end, so that no segment is read twice. `ways`: the newest backup first.
 */
export async function lookUp(
  reader: WalReader,
  ways: readonly Recoverable[],
  wanted: { readonly kind: 'xid'; readonly xid: string } | { readonly kind: 'name'; readonly name: string },
  onSegment: (file: string) => void,
  signal: AbortSignal,
): Promise<FoundAt | null> {
  let upTo: Lsn | null = null;
  for (const way of ways) {
    const until: Lsn = upTo !== null && compareLsn(upTo, way.until) < 0 ? upTo : way.until;
    for (const segment of reader.segments(way, way.from, until)) {
      onSegment(`${segment.timeline}/${segment.number}`);
      const only = wanted.kind === 'name' ? 'XLOG' : 'Transaction';
      for await (const mark of reader.marks(segment, only, signal))
        if (isOn(mark, way) && isWanted(mark, wanted)) return { lsn: mark.lsn, way };
    }
    upTo = way.from;
  }
  return null;
}

function isWanted(
  mark: WalMark,
  wanted: { readonly kind: 'xid'; readonly xid: string } | { readonly kind: 'name'; readonly name: string },
): boolean {
  return mark.kind === 'restore-point'
    ? wanted.kind === 'name' && mark.name === wanted.name
    : wanted.kind === 'xid' && mark.xid === wanted.xid;
}

/** Behind the backup's end, and before the end of what is there. */
function isOn({ lsn }: WalMark, { from, until }: Recoverable): boolean {
  return compareLsn(lsn, from) >= 0 && compareLsn(lsn, until) < 0;
}
