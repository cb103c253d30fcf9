import { LSN_ZERO, type Lsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { WalInventory } from './wal-inventory.ts';

/** A timeline on the way to another: WAL of it counts from where it began to where it was left. */
export interface Stretch {
  readonly timeline: TimelineId;
  readonly begin: Lsn;
  /** Null: it is the last one, never left. */
  readonly end: Lsn | null;
}

/** The timelines that lead to one, the oldest first, it itself last. */
export type TimelinePath = readonly Stretch[];

/** The way to a timeline by its history; null: the archive has none of it. */
export function pathTo(inventory: WalInventory, timeline: TimelineId): TimelinePath | null {
  const forks = inventory.histories.get(timeline);
  if (forks !== undefined) return pathOf(forks, timeline);
  return timeline === 1 && inventory.timelines.has(timeline) ? pathOf([], timeline) : null;
}

/** The way that a history tells. */
export function pathOf(forks: readonly TimelineFork[], timeline: TimelineId): TimelinePath {
  const path: Stretch[] = [];
  let begin = LSN_ZERO;
  for (const fork of forks) {
    path.push({ timeline: fork.timeline, begin, end: fork.switchLsn });
    begin = fork.switchLsn;
  }
  path.push({ timeline, begin, end: null });
  return path;
}

/** Every timeline that the archive has a way to, the oldest first. */
export function knownTimelines(inventory: WalInventory): TimelineId[] {
  const all = new Set<TimelineId>([...inventory.histories.keys(), ...inventory.timelines.keys()]);
  return [...all].filter((timeline) => pathTo(inventory, timeline) !== null).sort((a, b) => a - b);
}

/**
 * The timeline that the cluster is on now, as far as the archive knows: the highest number, for every promotion takes
 * a higher one than any before. Null: the archive has no WAL that anything leads to.
 */
export function presentTimeline(inventory: WalInventory): TimelineId | null {
  return knownTimelines(inventory).at(-1) ?? null;
}
