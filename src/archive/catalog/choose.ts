import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Backup } from './backup.ts';
import { isRestorable, type Recoverable, recoverableTo } from './recoverable.ts';
import { knownTimelines, presentTimeline } from './timelines.ts';
import type { WalInventory } from './wal-inventory.ts';

/** Where a recovery is to stop. */
export type RecoveryTarget =
  | { readonly kind: 'latest' }
  /** As soon as the backup is consistent. */
  | { readonly kind: 'immediate' }
  | { readonly kind: 'time'; readonly at: Date }
  | { readonly kind: 'lsn'; readonly lsn: Lsn }
  | { readonly kind: 'xid'; readonly xid: string }
  | { readonly kind: 'name'; readonly name: string };

/** What somebody wants restored. */
export interface Wanted {
  readonly target: RecoveryTarget;
  /** `latest`: the one that the cluster is on now. `current`: the backup's own. */
  readonly timeline: 'latest' | 'current' | TimelineId;
  /** Null: whichever does. */
  readonly backup: string | null;
}

/** The backup to restore, or why none does, with everything that can be reached. */
export type Choice =
  | { readonly chosen: Recoverable }
  | {
      readonly chosen: null;
      /** Ends the sentence "cannot be reached: …". */
      readonly why: string;
      /** What could be had instead, on the timeline asked for. */
      readonly reachable: readonly Recoverable[];
    };

/** Of an interval, the time of its last commit; null: it is not known. Asked only where a time decides. */
export type EndTimes = (one: Recoverable) => Date | null;

/**
 * Chooses the newest backup from which a target can be reached, for that is the shortest replay. Of a transaction or
 * a named point nobody knows beforehand where it is: the newest backup is taken, unless the caller has looked it up
 * and asks for its LSN.
 */
export function chooseBackup(
  inventory: WalInventory,
  backups: readonly Backup[],
  wanted: Wanted,
  endTime: EndTimes,
): Choice {
  const { target } = wanted;
  const refuse = (why: string, reachable: readonly Recoverable[] = []): Choice => ({
    chosen: null,
    why,
    reachable,
  });
  if (backups.length === 0) return refuse('the archive has no backup');
  const asked = wanted.backup === null ? backups : backups.filter(({ id }) => id === wanted.backup);
  if (asked.length === 0) return refuse(`the archive has no backup ${wanted.backup}`);
  const timeline = wanted.timeline === 'latest' ? presentTimeline(inventory) : wanted.timeline;
  const onPath = asked
    .map((backup) => recoverableTo(inventory, backup, targetTimeline(timeline, backup)))
    .filter((one) => one !== null)
    .reverse();
  if (onPath.length === 0) return refuse(noWay(inventory, timeline));
  const restorable = onPath.filter(isRestorable);
  const [newest] = restorable;
  if (newest === undefined) {
    const missing = onPath.map(({ wal }) => wal.missing)[0] ?? 'WAL';
    return refuse(`WAL that the backup itself needs is missing (${missing})`);
  }
  const withTimes = (): Recoverable[] =>
    restorable.map((one) => ({ ...one, untilTime: one.untilTime ?? endTime(one) })).reverse();
  switch (target.kind) {
    case 'latest':
      // Postgres would take the hole for the end, and nobody be told what is behind it.
      return newest.wal.isHole ? refuse(whyEnded(newest), withTimes()) : { chosen: newest };
    case 'immediate':
    case 'xid':
    case 'name':
      return { chosen: newest };
    case 'lsn': {
      const { lsn } = target;
      const before = restorable.filter(({ from }) => compareLsn(from, lsn) <= 0);
      if (before.length === 0) return refuse(`no backup had ended by ${lsn}`, withTimes());
      const chosen = before.find(({ until }) => compareLsn(lsn, until) <= 0);
      if (chosen !== undefined) return { chosen: { ...chosen, untilTime: endTime(chosen) } };
      return refuse(whyEnded(before[0] as Recoverable), withTimes());
    }
    case 'time': {
      const at = target.at.getTime();
      const before = restorable.filter(({ fromTime }) => fromTime.getTime() <= at);
      if (before.length === 0)
        return refuse(`no backup had ended by ${target.at.toISOString()}`, withTimes());
      for (const one of before) {
        const untilTime = endTime(one);
        if (untilTime === null || at < untilTime.getTime()) return { chosen: { ...one, untilTime } };
      }
      return refuse(whyEndedInTime(before[0] as Recoverable, endTime), withTimes());
    }
  }
}

function targetTimeline(timeline: TimelineId | 'current' | null, backup: Backup): TimelineId {
  return timeline === null || timeline === 'current' ? backup.timeline : timeline;
}

function noWay(inventory: WalInventory, timeline: TimelineId | 'current' | null): string {
  const known = knownTimelines(inventory).join(', ');
  return `no backup leads to timeline ${timeline ?? '1'} (the archive has the timelines ${known})`;
}

function whyEnded({ until, wal }: Recoverable): string {
  return wal.isHole
    ? `the archive has a hole at ${until}, where ${wal.missing} is missing`
    : `the archive ends at ${until}`;
}

function whyEndedInTime(one: Recoverable, endTime: EndTimes): string {
  const at = endTime(one)?.toISOString() ?? 'an unknown time';
  return one.wal.isHole
    ? `the archive has a hole behind ${at}, where ${one.wal.missing} is missing`
    : `the last commit that the archive has is of ${at}`;
}
