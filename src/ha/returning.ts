import type { Decision } from './decision.ts';
import { wait } from './decision.ts';
import { relate } from './history.ts';
import { stateOf } from './identity-of.ts';
import { FRESH_LOOK } from './lease.ts';
import { compareLsn, type Lsn } from './lsn.ts';
import type { PeerState } from './peer.ts';
import { countIn, parseSynchronousStandbyNames } from './quorum.ts';
import type { ClusterRecord } from './record.ts';
import { isSelfBumped } from './settle.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

export type WayBack =
  | { readonly kind: 'follow' }
  | { readonly kind: 'rewind'; readonly switchLsn: Lsn }
  | { readonly kind: 'clone'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The state of the record's primary, when it is that incarnation that answered. */
export function primaryState(view: View, record: ClusterRecord): PeerState | null {
  return record.primary === null ? null : stateOf(view, record.primary);
}

/**
 * The winner has promised its epoch and has not promoted yet: what it holds stays in its history, whatever comes. Who
 * holds no more than that may connect at once, and is there when the epoch row is written.
 */
function isBeforePromotion(record: ClusterRecord, state: PeerState): boolean {
  if (state.clusterUID !== record.clusterUID || state.promise < record.epoch) return false;
  return state.state === 'standby' || state.state === 'promoting';
}

/** How this member's WAL relates to the history of the record's primary. */
export function wayBack(view: View, record: ClusterRecord): WayBack {
  const state = primaryState(view, record);
  const { local } = view;
  const timeline = local.server?.timeline ?? local.timeline;
  const forks = local.server?.forks ?? local.forks;
  const end = local.server?.flushLsn ?? local.endOfWal;
  if (state !== null && isBeforePromotion(record, state)) {
    const ahead = state.position !== null && compareLsn(end, state.position.lsn) <= 0;
    if (ahead && relate({ timeline, forks }, end, state).kind === 'same') return { kind: 'follow' };
  }
  if (state === null || state.state !== 'primary' || state.timeline !== record.timeline) {
    return { kind: 'unknown', reason: `the history of ${record.primary} is not known yet` };
  }
  const relation = relate({ timeline, forks }, end, state);
  switch (relation.kind) {
    case 'same':
      return { kind: 'follow' };
    case 'other-history':
      return {
        kind: 'clone',
        reason: `timeline ${timeline} has another history than that of ${record.primary}`,
      };
    case 'diverged':
      return { kind: 'rewind', switchLsn: relation.switchLsn };
  }
}

/**
 * Whether a data directory may be rewound or replaced: towards a primary whose epoch is settled, or which gave itself a
 * higher one, or towards the unsettled one that asks for it because it could never settle otherwise; never below what this member's own WAL
 * marks as settled. `byWish`: a person asked for it, and what a stopped member's WAL marks is not looked at.
 */
export function mayReplace(
  view: View,
  record: ClusterRecord,
  byWish = false,
): { readonly may: boolean; readonly reason: string } {
  const { server } = view.local;
  const isSettled = record.settled.epoch === record.epoch;
  if (!isSettled && !byWish && view.local.data === 'present' && server === null) {
    return { may: false, reason: 'what its WAL marks as settled is only known while it runs' };
  }
  const marked = server?.settledEpoch ?? 0;
  if (marked > record.settled.epoch) {
    return {
      may: false,
      reason: `its WAL marks epoch ${marked} as settled, the record only ${record.settled.epoch}`,
    };
  }
  // A watch that lags shows an epoch that is over: what the next one has acknowledged here would look diverged.
  const fresh = elapsed(view.record.readAt, view.now) <= FRESH_LOOK;
  if (isSettled) {
    return fresh ? { may: true, reason: `epoch ${record.epoch} is settled` } : { may: false, reason: 'look' };
  }
  // The last settled primary itself, on the timeline that is settled: nothing beside its history was ever acknowledged.
  // Where it lacks acknowledgements, it may be those of a member that lost its volume, and is to be cloned.
  if (isSelfBumped(record)) {
    return fresh
      ? { may: true, reason: `${record.primary} gave itself epoch ${record.epoch} on a settled timeline` }
      : { may: false, reason: 'look' };
  }
  const state = primaryState(view, record);
  if (state?.asksToReturn === true) {
    return fresh
      ? { may: true, reason: `${record.primary} needs it to settle epoch ${record.epoch}` }
      : { may: false, reason: 'look' };
  }
  return { may: false, reason: `epoch ${record.epoch} of ${record.primary} is not settled yet` };
}

/** The step of a member whose WAL left the primary's history; its Postgres must be stopped for it. */
export function replaceData(view: View, record: ClusterRecord, way: WayBack): Decision | null {
  if (way.kind !== 'rewind' && way.kind !== 'clone') return null;
  if (record.primary === null) return null;
  const permission = mayReplace(view, record);
  if (!permission.may) {
    return permission.reason === 'look'
      ? { kind: 'look', reason: 'the record is read before data is replaced' }
      : wait(`it diverged from ${record.primary}, but ${permission.reason}`);
  }
  const settled = record.settled.epoch === record.epoch;
  if (way.kind === 'clone' || !settled) {
    const reason =
      way.kind === 'clone' ? way.reason : `it diverged at ${way.switchLsn}; ${permission.reason}`;
    return { kind: 'clone', from: record.primary, reason };
  }
  const state = primaryState(view, record);
  if (state !== null && state.checkpointTimeline !== record.timeline) {
    return wait(`a rewind waits for the checkpoint of ${record.primary} on timeline ${record.timeline}`);
  }
  if (view.local.state !== 'stopped') {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: false,
      reason: `it left the history of ${record.primary} at ${way.switchLsn} and must be rewound`,
    };
  }
  return {
    kind: 'rewind',
    from: record.primary,
    switchLsn: way.switchLsn,
    reason: `it left the history of ${record.primary} at ${way.switchLsn}`,
  };
}

/** How long an unsettled primary waits before it asks members with another history to come back to it. */
const ASK_AFTER = 5_000;

/**
 * Whether this unsettled primary could never settle unless members with another history come back: fewer than `k`
 * of its new cohort stream.
 */
export function asksToReturn(view: View, record: ClusterRecord): boolean {
  const { server } = view.local;
  if (view.local.state !== 'primary' || server === null || record.primary !== view.local.identity)
    return false;
  if (record.settled.epoch === record.epoch || record.settled.timeline === record.timeline) return false;
  if (elapsed(view.hold.leadingSince, view.now) < ASK_AFTER) return false;
  const names = parseSynchronousStandbyNames(server.synchronousStandbyNames);
  if (names === null || names.acks === 0) return false;
  const streaming = server.walsenders
    .filter((walsender) => walsender.streaming)
    .map((walsender) => walsender.identity);
  return countIn(names.members, streaming) < names.acks;
}
