import { compareLsn, LSN_ZERO, type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Backup } from './backup.ts';
import { type Followed, follow, nextOn } from './follow.ts';
import { knownTimelines, pathTo, type Stretch, type TimelinePath } from './timelines.ts';
import type { WalInventory } from './wal-inventory.ts';

/** What one backup, with the WAL behind it, can be restored to along the timelines that lead to one. */
export interface Recoverable {
  readonly backup: Backup;
  /** The timeline that replay goes to. */
  readonly timeline: TimelineId;
  readonly path: TimelinePath;
  /** The earliest target: the end of the backup. */
  readonly from: Lsn;
  readonly fromTime: Date;
  /** The latest target. Before `from`: the backup cannot be restored, for WAL that it needs is missing. */
  readonly until: Lsn;
  /** The last commit before `until`: a target later than that cannot be told from the end. Null: not looked up. */
  readonly untilTime: Date | null;
  readonly wal: Followed;
}

/** Segments of a path that are missing while later ones are there. */
export interface Hole {
  readonly timeline: TimelineId;
  /** Segment numbers, both missing. */
  readonly first: number;
  readonly last: number;
}

/** What a backup can be restored to on the way to a timeline; null: no way to it leads through the backup. */
export function recoverableTo(
  inventory: WalInventory,
  backup: Backup,
  timeline: TimelineId,
): Recoverable | null {
  // Of a backup on a timeline whose history is gone, or that has no WAL at all yet, its own timeline is all there is.
  const path = pathTo(inventory, timeline) ?? (timeline === backup.timeline ? [lone(backup.timeline)] : null);
  if (path === null) return null;
  const own = path.find((stretch) => stretch.timeline === backup.timeline);
  if (own === undefined || (own.end !== null && compareLsn(backup.endLsn, own.end) > 0)) return null;
  const wal = follow(inventory, path, backup.startLsn);
  return {
    backup,
    timeline,
    path,
    from: backup.endLsn,
    fromTime: backup.finishedAt,
    until: wal.until,
    untilTime: null,
    wal,
  };
}

/** Whether everything is there that makes the backup consistent. */
export function isRestorable({ from, until }: Recoverable): boolean {
  return compareLsn(until, from) >= 0;
}

/** What each backup can be restored to, on the way to each timeline that it leads to; the oldest backup first. */
export function allRecoverable(inventory: WalInventory, backups: readonly Backup[]): Recoverable[] {
  const timelines = knownTimelines(inventory);
  return backups.flatMap((backup) =>
    [...new Set([...timelines, backup.timeline])].flatMap((timeline) => {
      const one = recoverableTo(inventory, backup, timeline);
      return one === null ? [] : [one];
    }),
  );
}

/** The holes of a path from an LSN to the last of its WAL. */
export function holesOn(inventory: WalInventory, path: TimelinePath, start: Lsn): Hole[] {
  const { segmentBytes } = inventory;
  const holes: Hole[] = [];
  let from = start;
  for (;;) {
    const { until, isHole, missing } = follow(inventory, path, from);
    if (!isHole) return holes;
    const first = Math.floor(lsnBytes(until) / segmentBytes);
    const next = nextOn(inventory, path, first + 1);
    if (next === null) return holes;
    holes.push({
      timeline: Number.parseInt(missing.slice(0, 8), 16) as TimelineId,
      first,
      last: next - 1,
    });
    from = lsnAt(next * segmentBytes);
  }
}

function lone(timeline: TimelineId): Stretch {
  return { timeline, begin: LSN_ZERO, end: null };
}
