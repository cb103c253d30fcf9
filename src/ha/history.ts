import { compareLsn, type Lsn } from './lsn.ts';
import type { TimelineFork } from './peer.ts';
import type { Epoch, TimelineId } from './units.ts';

/** A history: the forks that led to a timeline, oldest first, and (for a member) where its WAL ends. */
export interface TimelineHistory {
  readonly timeline: TimelineId;
  readonly forks: readonly TimelineFork[];
}

export type Relation =
  /** Everything that the member holds is in the other's history: it can stream. */
  | { readonly kind: 'same' }
  /** The member's WAL goes on past where the other's history left it. */
  | { readonly kind: 'diverged'; readonly switchLsn: Lsn }
  /** No common beginning, or the same number with another history: pg_rewind compares numbers only, so clone. */
  | { readonly kind: 'other-history' };

/** How a member's local WAL (its end included, replayed or not) relates to the history of a primary. */
export function relate(local: TimelineHistory, end: Lsn, primary: TimelineHistory): Relation {
  const own = [...local.forks, { timeline: local.timeline, switchLsn: end }];
  const theirs = [...primary.forks, { timeline: primary.timeline, switchLsn: null }];
  for (const [index, fork] of own.entries()) {
    const other = theirs[index];
    if (other === undefined || other.timeline !== fork.timeline) {
      return forkedBefore(own, theirs, index);
    }
    const last = index === own.length - 1;
    if (last) {
      if (other.switchLsn === null || compareLsn(end, other.switchLsn) <= 0) return { kind: 'same' };
      return { kind: 'diverged', switchLsn: other.switchLsn };
    }
    if (other.switchLsn === null) return { kind: 'diverged', switchLsn: fork.switchLsn };
    if (compareLsn(fork.switchLsn, other.switchLsn) !== 0) {
      if (sharesTimelineAfter(own, theirs, index)) return { kind: 'other-history' };
      const earlier = compareLsn(fork.switchLsn, other.switchLsn) < 0 ? fork.switchLsn : other.switchLsn;
      return { kind: 'diverged', switchLsn: earlier };
    }
  }
  return { kind: 'other-history' };
}

interface Step {
  readonly timeline: TimelineId;
  readonly switchLsn: Lsn | null;
}

/** The timelines part at `index`: they were one until the fork before it. */
function forkedBefore(own: readonly Step[], theirs: readonly Step[], index: number): Relation {
  const before = own[index - 1];
  if (before === undefined || before.switchLsn === null) return { kind: 'other-history' };
  if (sharesTimelineAfter(own, theirs, index - 1)) return { kind: 'other-history' };
  return { kind: 'diverged', switchLsn: before.switchLsn };
}

/** Whether a number occurs in both histories after they parted: two timelines with one number. */
function sharesTimelineAfter(own: readonly Step[], theirs: readonly Step[], index: number): boolean {
  const numbers = new Set(theirs.slice(index + 1).map((step) => step.timeline));
  return own.slice(index + 1).some((step) => numbers.has(step.timeline));
}

/** The epoch for which a timeline was reserved; null where this member never learned it. */
export function epochOfTimeline(epochs: Readonly<Record<number, Epoch>>, timeline: TimelineId): Epoch | null {
  return epochs[timeline] ?? null;
}
