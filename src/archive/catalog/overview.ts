import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import { segmentName } from '../wal/names.ts';
import type { Backup, BackupCatalog, UnfinishedBackup, UnreadableBackup } from './backup.ts';
import { holesOn, isRestorable, type Recoverable, recoverableTo } from './recoverable.ts';
import { knownTimelines, pathTo, presentTimeline } from './timelines.ts';
import type { WalInventory } from './wal-inventory.ts';

/** What one backup can be restored to, as plain JSON. Times are RFC 3339. */
export interface ReachOverview {
  readonly timeline: number;
  readonly from: Lsn;
  readonly fromTime: string;
  readonly until: Lsn;
  /** The last commit; null: unknown. */
  readonly untilTime: string | null;
  /** Everything that makes the backup consistent is there. */
  readonly restorable: boolean;
  /** What comes last is of the live tail. */
  readonly endsInTail: boolean;
  /** The segment that is missing where later ones are there; null: the way ends with the archive. */
  readonly hole: string | null;
}

export interface BackupOverview {
  readonly id: string;
  readonly timeline: number;
  readonly startLsn: Lsn;
  readonly endLsn: Lsn;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly postgresVersion: number;
  readonly storedBytes: number;
  readonly originalBytes: number | null;
  readonly permanent: boolean;
  readonly parent: string | null;
  /** On the way to the timeline that the cluster is on now, or else on its own. */
  readonly reach: ReachOverview | null;
}

/** A stretch of time and WAL to which can be restored, from whichever backup. */
export interface IntervalOverview extends ReachOverview {
  /** The oldest backup of it. */
  readonly backup: string;
  readonly backups: number;
}

export interface HoleOverview {
  readonly timeline: number;
  readonly first: string;
  readonly last: string;
  readonly segments: number;
}

/** Everything that an archive holds, for a person and for programs. */
export interface ArchiveOverview {
  readonly archive: string;
  readonly systemIdentifier: string | null;
  readonly layout: 'wal-g' | 'barman-cloud';
  readonly timeline: number | null;
  readonly segments: number;
  readonly walBytes: number;
  readonly backups: readonly BackupOverview[];
  readonly unreadable: readonly UnreadableBackup[];
  readonly unfinished: readonly (Omit<UnfinishedBackup, 'modifiedAt'> & { readonly modifiedAt: string })[];
  readonly intervals: readonly IntervalOverview[];
  readonly holes: readonly HoleOverview[];
}

export interface OverviewSource {
  readonly archive: string;
  readonly layout: 'wal-g' | 'barman-cloud';
  readonly systemIdentifier: string | null;
  readonly catalog: BackupCatalog;
  /** Null: there is no WAL at all. */
  readonly inventory: WalInventory | null;
}

/** The ways that an overview tells of, each with its own end: their last commits may be looked up first. */
export function waysOf({ catalog, inventory }: OverviewSource): Recoverable[] {
  if (inventory === null) return [];
  const timelines = knownTimelines(inventory);
  return catalog.backups.flatMap((backup) =>
    [...new Set([backup.timeline, ...timelines])].flatMap((timeline) => {
      const way = recoverableTo(inventory, backup, timeline);
      return way === null ? [] : [way];
    }),
  );
}

/** Pure. `untilTime`: of a way, the time of its last commit; null: it is not known. */
export function overviewOf(
  source: OverviewSource,
  untilTime: (way: Recoverable) => Date | null,
): ArchiveOverview {
  const { catalog, inventory } = source;
  const present = inventory === null ? null : presentTimeline(inventory);
  const ways = waysOf(source).map((way) => ({ ...way, untilTime: untilTime(way) }));
  const wayOf = (backup: Backup): Recoverable | null =>
    ways.find((way) => way.backup === backup && way.timeline === present) ??
    ways.find((way) => way.backup === backup && way.timeline === backup.timeline) ??
    null;
  const oldest = ways.find((way) => way.timeline === present);
  const path = inventory === null || present === null ? null : pathTo(inventory, present);
  const holes =
    inventory === null || path === null || oldest === undefined
      ? []
      : holesOn(inventory, path, oldest.backup.startLsn);
  return {
    archive: source.archive,
    systemIdentifier: source.systemIdentifier ?? catalog.backups.at(-1)?.systemIdentifier ?? null,
    layout: source.layout,
    timeline: present,
    segments: [...(inventory?.timelines.values() ?? [])].reduce((sum, one) => sum + one.segments.count, 0),
    walBytes: inventory?.storedBytes ?? 0,
    backups: catalog.backups.map((backup) => backupOverview(backup, wayOf(backup))),
    unreadable: catalog.unreadable,
    unfinished: catalog.unfinished.map((one) => ({ ...one, modifiedAt: one.modifiedAt.toISOString() })),
    intervals: intervalsOf(ways),
    holes: holes.map(({ timeline, first, last }) => {
      const name = (number: number): string =>
        segmentName({ timeline, number }, inventory?.segmentBytes ?? 1);
      return { timeline, first: name(first), last: name(last), segments: last - first + 1 };
    }),
  };
}

function backupOverview(backup: Backup, way: Recoverable | null): BackupOverview {
  return {
    id: backup.id,
    timeline: backup.timeline,
    startLsn: backup.startLsn,
    endLsn: backup.endLsn,
    startedAt: backup.startedAt.toISOString(),
    finishedAt: backup.finishedAt.toISOString(),
    postgresVersion: backup.postgresVersion,
    storedBytes: backup.storedBytes,
    originalBytes: backup.originalBytes,
    permanent: backup.permanent,
    parent: backup.parent,
    reach: way === null ? null : reachOverview(way),
  };
}

function reachOverview(way: Recoverable): ReachOverview {
  return {
    timeline: way.timeline,
    from: way.from,
    fromTime: way.fromTime.toISOString(),
    until: way.until,
    untilTime: way.untilTime?.toISOString() ?? null,
    restorable: isRestorable(way),
    endsInTail: way.wal.last?.fromTail ?? false,
    hole: way.wal.isHole ? way.wal.missing : null,
  };
}

/**
 * Ways with the same end are one interval, from the oldest of their backups on. A timeline whose WAL is all on the way
 * to a later one is told with that.
 */
function intervalsOf(ways: readonly Recoverable[]): IntervalOverview[] {
  const restorable = ways.filter(isRestorable);
  const leads = (from: Recoverable): boolean =>
    restorable.some((to) => to.backup === from.backup && to.timeline > from.timeline && isPrefix(from, to));
  const byEnd = new Map<string, Recoverable[]>();
  for (const way of restorable) {
    if (leads(way)) continue;
    const key = `${way.timeline} ${way.until}`;
    byEnd.set(key, [...(byEnd.get(key) ?? []), way]);
  }
  return [...byEnd.values()]
    .map((same) => {
      const oldest = same.reduce((a, b) => (a.fromTime <= b.fromTime ? a : b));
      return { ...reachOverview(oldest), backup: oldest.backup.id, backups: same.length };
    })
    .sort((a, b) => (a.fromTime < b.fromTime ? -1 : 1));
}

/** The other way passes this one's timeline, and leaves it no earlier than this one ends. */
function isPrefix(way: Recoverable, other: Recoverable): boolean {
  const left = other.path.find(({ timeline }) => timeline === way.timeline)?.end ?? null;
  return left !== null && compareLsn(way.until, left) <= 0 && compareLsn(way.until, other.until) <= 0;
}
