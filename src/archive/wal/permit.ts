import { compareLsn, LSN_ZERO, type Lsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import { parseSegment, segmentBounds, timelineOfName, walFileKind } from './names.ts';

/** A timeline and how WAL came there. */
export interface History {
  readonly timeline: TimelineId;
  /** The forks that led to it, each with the timeline that was left and where. None above timeline 1: not known. */
  readonly forks: readonly TimelineFork[];
}

/** What a settled primary may archive. */
export interface Reach extends History {
  /** Up to here the quorum has confirmed; in asynchronous mode, what is flushed here. */
  readonly confirmed: Lsn;
}

/** The history of a standby's primary. */
export interface Followed extends History {
  /** The primary is that of the record, in a settled epoch: no takeover can drop what lies before its timeline. */
  readonly isSettled: boolean;
}

/**
 * Whether this member archives at all, and what: only the primary of a settled epoch does. `follows`: a standby, which
 * keeps what is not archived yet; null: it is neither.
 */
export type Permission =
  /** `age`: how many milliseconds old the look is that it comes from. */
  | { readonly reach: Reach; readonly age: number }
  | { readonly reach: null; readonly reason: string; readonly follows: Followed | null };

/**
 * - `push`: it belongs to the history, and no takeover can drop it any more.
 * - `leave-out`: it belongs to no history that leads here, so that no restore may ever find it; Postgres is told that
 *   it is done. What of it is history is at the beginning of the next timeline's segment of the same number.
 * - `wait`: not yet, with the reason.
 */
export type Verdict =
  | { readonly verdict: 'push' }
  | { readonly verdict: 'leave-out'; readonly reason: string }
  | { readonly verdict: 'wait'; readonly reason: string };

const PUSH: Verdict = { verdict: 'push' };

/** What is to become of a file that Postgres has ready. Size tells nothing: recycled segments have the full one. */
export function judge(name: string, reach: Reach, segmentBytes: number): Verdict {
  const kind = walFileKind(name);
  if (kind === null) return { verdict: 'wait', reason: `${name} is no file that Postgres archives` };
  const timeline = timelineOfName(name);
  if (timeline > reach.timeline)
    return { verdict: 'wait', reason: `timeline ${timeline} is ahead of this primary's, ${reach.timeline}` };
  // What left a file out cannot be undone: without the way here, nothing is known to be none of it.
  if (timeline < reach.timeline && reach.forks.length === 0)
    return { verdict: 'wait', reason: `how timeline ${reach.timeline} came to be is not known yet` };
  const fork = reach.forks.find((one) => one.timeline === timeline);
  if (timeline < reach.timeline && fork === undefined)
    return { verdict: 'leave-out', reason: `timeline ${timeline} does not lead to ${reach.timeline}` };
  const segment = parseSegment(name, segmentBytes);
  if (segment === null) return PUSH;
  const { start, end } = segmentBounds(segment, segmentBytes);
  if (fork !== undefined) {
    // The switch point lies in a partial segment, behind its beginning (or it would hold nothing).
    const last = kind === 'segment' ? end : start;
    return compareLsn(last, fork.switchLsn) <= 0
      ? PUSH
      : { verdict: 'leave-out', reason: `timeline ${timeline} was left at ${fork.switchLsn}` };
  }
  if (kind === 'segment' && compareLsn(end, reach.confirmed) > 0)
    return {
      verdict: 'wait',
      reason: `it ends at ${end}, and the quorum has confirmed no more than ${reach.confirmed}`,
    };
  return PUSH;
}

/** Whether a standby keeps a file until it is archived: not what belongs to no history that leads to its own. */
export function judgeKept(name: string, history: History, segmentBytes: number): 'keep' | 'leave-out' {
  const { verdict } = judge(name, { ...history, confirmed: LSN_ZERO }, segmentBytes);
  return verdict === 'leave-out' ? 'leave-out' : 'keep';
}

/** In the order in which Postgres asks: histories first, then the oldest (pgarch.c, ready_file_comparator). */
export function byUrgency(a: string, b: string): number {
  const byHistory = Number(b.endsWith('.history')) - Number(a.endsWith('.history'));
  return byHistory !== 0 ? byHistory : a < b ? -1 : Number(a > b);
}
