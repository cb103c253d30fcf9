import { holderDeadline } from './lease.ts';
import type { ClusterRecord } from './record.ts';
import { elapsed, type Instant, instant } from './units.ts';
import type { View } from './view.ts';

/**
 * When `k` members of the published cohort had all replied last: the k-th latest reply. A reply counts by this
 * machine's monotonic clock, at the moment `reply_time` was seen to change. Null: fewer than `k` ever did.
 */
export function quorumHeardAt(view: View, record: ClusterRecord): Instant | null {
  const { cohort, acks } = record.settled;
  if (acks === 0) return null;
  const replies = new Map<string, Instant>();
  for (const walsender of view.local.server?.walsenders ?? []) {
    if (!walsender.streaming || !(cohort as readonly string[]).includes(walsender.identity)) continue;
    const known = replies.get(walsender.identity);
    if (known === undefined || walsender.repliedAt > known)
      replies.set(walsender.identity, walsender.repliedAt);
  }
  const latest = [...replies.values()].sort((a, b) => b - a);
  return latest[acks - 1] ?? null;
}

/**
 * Whether `k` of the published cohort give fresh replies over connections that stand: the primary is not alone, and
 * not being recruited away from (a promise ends its receiver first).
 */
export function quorumIsFresh(view: View, record: ClusterRecord): boolean {
  return elapsed(quorumHeardAt(view, record), view.now) < view.settings.staleReadBound;
}

/**
 * When `k` of the published cohort had replied last, whatever became of their connections since: who followed this
 * primary then had promised nobody, so no takeover was over then.
 */
function quorumFollowedAt(view: View, record: ClusterRecord): Instant | null {
  const { cohort, acks } = record.settled;
  const replies = cohort.flatMap((identity) => view.hold.replies[identity] ?? []);
  return replies.sort((a, b) => b - a)[acks - 1] ?? null;
}

/**
 * Until when the primary may let clients in (quorum mode: they could read stale data after that) or must be
 * stopped (asynchronous mode: somebody else may acquire after that). A renewal or, in quorum mode, `k` fresh
 * replies move it forward; in asynchronous mode without the API, every eligible member's word does.
 */
export function permittedUntil(view: View, record: ClusterRecord): Instant {
  const { renewedAt, heldUntil } = view.hold;
  if (record.settled.acks > 0) {
    const latest = Math.max(renewedAt ?? 0, quorumFollowedAt(view, record) ?? 0);
    return instant(latest + view.settings.staleReadBound);
  }
  const byLease = renewedAt === null ? instant(0) : holderDeadline(renewedAt, record, view.settings);
  return instant(Math.max(byLease, heldUntil === null ? 0 : heldUntil - view.settings.stopTimeout));
}

/**
 * When the guard kills Postgres unless a later deadline comes: null while nothing has to be killed. In quorum mode
 * an isolated primary closes its door itself; the guard only sees to it that it does, within `stopTimeout`.
 */
export function guardDeadline(view: View): Instant | null {
  const record = view.record.lastValid;
  const leads = view.local.state === 'primary' || view.local.state === 'promoting';
  if (!leads || record === null || record.paused) return null;
  if (record.settled.acks > 0 && view.local.server?.doorOpen === false) return null;
  if (record.settled.epoch === 0) return null;
  return instant(permittedUntil(view, record) + view.settings.stopTimeout);
}
