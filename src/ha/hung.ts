import { type Decision, wait } from './decision.ts';
import type { Lsn } from './lsn.ts';
import { elapsed, type Instant } from './units.ts';
import type { View } from './view.ts';

/** A Postgres that does not answer, or whose commits are not flushed: after `hungAfter` it ends itself. */
export function hung(view: View): Decision {
  const silent = elapsed(view.local.silentSince, view.now);
  const limit = view.wishes.shutdown ? view.settings.suspectAfter : view.settings.hungAfter;
  if (view.local.silentSince !== null && silent >= limit) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: true,
      reason: `Postgres made no progress for ${Math.round(silent)} ms`,
    };
  }
  return wait('Postgres does not answer yet');
}

/** New connections, the flush of WAL, or the whole server have made no progress for `hungAfter`. */
export function isHung(view: View): boolean {
  return (
    view.local.silentSince !== null && elapsed(view.local.silentSince, view.now) >= view.settings.hungAfter
  );
}

/** A flush that takes so long (milliseconds) is late: a disk that is slow for a moment is none of anybody's business. */
const FLUSH_LATE = 6_000;

/** What a look at the flush LSN leaves behind for the next. */
export interface FlushTrace {
  readonly flushLsn: Lsn;
  /** Since when each look found sessions that wait for the local flush, and the same flush LSN; null: the last found none. */
  readonly since: Instant | null;
}

/**
 * One more look. `waiting` counts sessions that wait for WAL to be written or flushed *here*: one that waits for a quorum
 * (wait event SyncRep) has its WAL flushed already, and no number of those ever makes a primary end itself.
 */
export function traceFlush(
  before: FlushTrace | null,
  look: { readonly flushLsn: Lsn; readonly waiting: number; readonly at: Instant },
): FlushTrace {
  const { flushLsn, waiting, at } = look;
  if (waiting === 0) return { flushLsn, since: null };
  const stands = before !== null && before.flushLsn === flushLsn && before.since !== null;
  return { flushLsn, since: stands ? before.since : at };
}

/** Since when the flush stands still although commits wait for it; null: it does not, or not for long. */
export function flushStalledSince(trace: FlushTrace | null, now: Instant): Instant | null {
  return trace !== null && trace.since !== null && elapsed(trace.since, now) > FLUSH_LATE
    ? trace.since
    : null;
}
