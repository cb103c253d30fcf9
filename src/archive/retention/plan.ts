import type { Millis } from '../../ha/units.ts';
import type { Backup, BackupCatalog, UnfinishedBackup } from '../catalog/backup.ts';
import { isRestorable, recoverableTo } from '../catalog/recoverable.ts';
import { knownTimelines, presentTimeline } from '../catalog/timelines.ts';
import type { WalInventory } from '../catalog/wal-inventory.ts';
import { type WalToKeep, walToKeep } from './wal-to-keep.ts';

/** What is kept. A backup that either rule keeps stays; with neither, all do. */
export interface RetentionPolicy {
  /** Every moment of so much time past can be restored to. */
  readonly window: Millis | null;
  /** So many of the newest backups that can be restored. At least 1. */
  readonly count: number | null;
}

/** What an archive has, at a moment. */
export interface Holdings {
  readonly catalog: BackupCatalog;
  readonly inventory: WalInventory;
  /** Of the cluster whose archive it is. Backups of another stay, and WAL with them. */
  readonly systemIdentifier: string;
  readonly now: Date;
}

/** Why a backup is kept. */
export type KeptBecause =
  | 'window'
  /** It is the last one before the window: the beginning of the window is restored from it. */
  | 'before-window'
  | 'count'
  /** It is younger than one that is kept. */
  | 'younger'
  | 'permanent'
  /** One that is kept holds only the changes since. */
  | 'parent'
  /** It is another cluster's. */
  | 'foreign'
  /** Nothing at all is removed: the remarks say why. Or it is not the one that is deleted by hand. */
  | 'no-rule';

export interface KeptBackup {
  readonly backup: Backup;
  readonly because: KeptBecause;
}

/** What is to go, in the order in which it goes. */
export interface RetentionPlan {
  readonly keep: readonly KeptBackup[];
  /** The oldest first; an increment before what it is one of. */
  readonly remove: readonly Backup[];
  /** Objects of backups without a sentinel, too old to be in the making. */
  readonly leftovers: readonly UnfinishedBackup[];
  readonly wal: WalToKeep;
  /** What a person should know: sentences. */
  readonly remarks: readonly string[];
}

/** A backup writes objects all the time: one that has written none for so long is dead. Milliseconds. */
const DEAD_AFTER = 24 * 3_600_000;

/**
 * What retention removes. Never a backup that a rule keeps, that is marked permanent, or that a kept one is an
 * increment of; never WAL that a kept backup can use on any timeline; nothing at all before one backup can be restored.
 */
export function planRetention(holdings: Holdings, policy: RetentionPolicy): RetentionPlan {
  const { catalog, now } = holdings;
  const unknown = unknownTimeline(holdings);
  if (unknown !== null) return keepAll(holdings, unknown);
  if (policy.window === null && policy.count === null)
    return keepAll(holdings, 'no rule says how much is kept: nothing is removed');
  const chosen = chosenByRules(holdings, policy);
  if (chosen.size === 0)
    return keepAll(holdings, 'no backup can be restored on the present timeline: nothing is removed');
  const oldest = Math.min(...[...chosen.keys()].map(({ finishedAt }) => finishedAt.getTime()));
  const kept = new Map<Backup, KeptBecause>();
  for (const backup of catalog.backups) {
    const because = isForeign(holdings, backup)
      ? 'foreign'
      : (chosen.get(backup) ??
        (backup.finishedAt.getTime() >= oldest ? 'younger' : backup.permanent ? 'permanent' : null));
    if (because !== null) kept.set(backup, because);
  }
  return planKeeping(holdings, kept, now);
}

/**
 * What removing some backups by hand takes along: WAL that nothing else needs. Who asks has made sure that nothing
 * that stays is an increment of them.
 */
export function planDeletion(holdings: Holdings, ids: ReadonlySet<string>): RetentionPlan {
  const unknown = unknownTimeline(holdings);
  const kept = new Map<Backup, KeptBecause>();
  for (const backup of holdings.catalog.backups)
    if (!ids.has(backup.id)) kept.set(backup, backup.permanent ? 'permanent' : 'no-rule');
  const plan = planKeeping(holdings, kept, holdings.now);
  if (unknown === null) return plan;
  return { ...plan, wal: { ...plan.wal, from: null }, remarks: [...plan.remarks, unknown] };
}

/** Everything stays. */
function keepAll({ catalog, inventory }: Holdings, remark: string): RetentionPlan {
  return {
    keep: catalog.backups.map((backup) => ({ backup, because: 'no-rule' })),
    remove: [],
    leftovers: [],
    wal: { segmentBytes: inventory.segmentBytes, from: null, besides: [] },
    remarks: [remark],
  };
}

/** WAL of a timeline that nothing is known of, above all others: it may be the one that the cluster is on now. */
function unknownTimeline({ inventory }: Holdings): string | null {
  const present = presentTimeline(inventory) ?? 0;
  const above = [...inventory.timelines.keys(), ...inventory.damaged.map(({ timeline }) => timeline)]
    .filter((timeline) => timeline > present)
    .sort((a, b) => b - a)[0];
  return above === undefined
    ? null
    : `timeline ${above} is in the archive without a history that can be read: nothing is removed until it has one`;
}

function planKeeping(
  { catalog, inventory }: Holdings,
  kept: Map<Backup, KeptBecause>,
  now: Date,
): RetentionPlan {
  const byId = new Map(catalog.backups.map((backup) => [backup.id, backup]));
  for (const backup of [...kept.keys()]) {
    for (let parent = byId.get(backup.parent ?? ''); parent !== undefined; ) {
      if (kept.has(parent)) break;
      kept.set(parent, 'parent');
      parent = byId.get(parent.parent ?? '');
    }
  }
  const remove = catalog.backups.filter((backup) => !kept.has(backup));
  const leftovers = catalog.unfinished.filter(
    ({ modifiedAt }) => now.getTime() - modifiedAt.getTime() > DEAD_AFTER,
  );
  const young = catalog.unfinished.filter((one) => !leftovers.includes(one));
  const remarks = catalog.unreadable.map(
    ({ id, why }) => `the sentinel of ${id} cannot be read (${why}): it stays, and WAL from its start on`,
  );
  return {
    keep: catalog.backups.flatMap((backup) => {
      const because = kept.get(backup);
      return because === undefined ? [] : [{ backup, because }];
    }),
    remove: childrenFirst(remove),
    leftovers,
    wal: walToKeep(inventory, {
      whole: [...kept].filter(([, because]) => because !== 'permanent').map(([backup]) => backup),
      consistent: [...kept].filter(([, because]) => because === 'permanent').map(([backup]) => backup),
      named: [...catalog.unreadable, ...young].map(({ id }) => id),
    }),
    remarks,
  };
}

/** What the rules themselves ask for; empty: nothing can be restored, so nothing may go. */
function chosenByRules(holdings: Holdings, policy: RetentionPolicy) {
  const { catalog, inventory, now } = holdings;
  const own = catalog.backups.filter((backup) => !isForeign(holdings, backup));
  const chosen = new Map<Backup, KeptBecause>();
  const present = presentTimeline(inventory);
  const restorable = (timeline: ReturnType<typeof presentTimeline>): Backup[] =>
    timeline === null
      ? []
      : own.filter((backup) => {
          const way = recoverableTo(inventory, backup, timeline);
          return way !== null && isRestorable(way) && isWhole(backup, catalog.backups);
        });
  const ofPresent = restorable(present);
  if (ofPresent.length === 0) return chosen;
  if (policy.count !== null)
    for (const backup of ofPresent.slice(-Math.max(1, policy.count))) chosen.set(backup, 'count');
  if (policy.window !== null) {
    const begins = now.getTime() - policy.window;
    for (const timeline of knownTimelines(inventory)) {
      // A timeline that ended before the window has no moment in it.
      const wal = inventory.timelines.get(timeline);
      const livesInWindow = wal !== undefined && (wal.modifiedAt?.getTime() ?? 0) >= begins;
      if (timeline !== present && !livesInWindow) continue;
      const last = restorable(timeline).findLast(({ finishedAt }) => finishedAt.getTime() <= begins);
      if (last !== undefined && !chosen.has(last)) chosen.set(last, 'before-window');
    }
    for (const backup of own) if (backup.finishedAt.getTime() > begins) chosen.set(backup, 'window');
  }
  return chosen;
}

function isForeign({ systemIdentifier }: Holdings, backup: Backup): boolean {
  return backup.systemIdentifier !== null && backup.systemIdentifier !== systemIdentifier;
}

/** Everything that it is an increment of is there. */
function isWhole(backup: Backup, all: readonly Backup[]): boolean {
  const seen = new Set<string>();
  for (let one: Backup | undefined = backup; one !== undefined; ) {
    const { parent }: Backup = one;
    if (parent === null) return true;
    if (seen.has(parent)) return false;
    seen.add(parent);
    one = all.find(({ id }) => id === parent);
  }
  return false;
}

/** An increment is of no use without its parent: where a run dies half-way, none such is left. */
function childrenFirst(backups: readonly Backup[]): Backup[] {
  const ordered: Backup[] = [];
  const add = (backup: Backup): void => {
    if (ordered.includes(backup)) return;
    for (const child of backups) if (child.parent === backup.id && child !== backup) add(child);
    if (!ordered.includes(backup)) ordered.push(backup);
  };
  for (const backup of backups) add(backup);
  return ordered;
}
