import { isOverdue, isReleased } from './lease.ts';
import { type MemberName, memberOf } from './member.ts';
import type { ClusterRecord } from './record.ts';
import { elapsed, type Instant } from './units.ts';
import type { PeerView, View } from './view.ts';

export type Suspicion =
  | { readonly suspected: false; readonly reason: string }
  /** `certain`: it needs no shared suspicion (released), or only where there can be no majority (refused). */
  | {
      readonly suspected: true;
      readonly strength: 'released' | 'refused' | 'silent';
      readonly reason: string;
    };

export function peerOf(view: View, member: MemberName): PeerView | null {
  return view.peers.find((peer) => peer.member === member) ?? null;
}

/**
 * The primary's agent said within `suspectAfter` that Postgres serves. A connection refused since then takes that
 * back: nobody listens there any more.
 */
export function agentVouches(view: View, primary: MemberName): boolean {
  const peer = peerOf(view, primary);
  if (peer?.last === 'refused') return false;
  return (
    peer?.state?.serving === true &&
    (peer.state.state === 'primary' || peer.state.state === 'promoting') &&
    elapsed(peer.answeredAt, view.now) <= view.settings.suspectAfter
  );
}

/** This member's WAL receiver heard its sender within `suspectAfter`. */
export function receiverHears(view: View): boolean {
  const receiver = view.local.server?.receiver ?? null;
  return receiver?.streaming === true && elapsed(receiver.heardAt, view.now) <= view.settings.suspectAfter;
}

/** A winner that came down and promised a higher epoch since is a standby that others stream from, and nobody's primary. */
function receivesFromPrimary(view: View, record: ClusterRecord): boolean {
  if (record.primary === null || view.local.server?.follows !== record.primary) return false;
  return receiverHears(view) && !hasTurnedAway(peerOf(view, memberOf(record.primary)), record);
}

/** This member hears the primary that the record names: it refuses to be recruited and suspects nobody. */
export function hearsPrimary(view: View, record: ClusterRecord): boolean {
  if (record.primary === null || memberOf(record.primary) === view.self) return false;
  if (isTakingOffice(view, record)) return true;
  return receivesFromPrimary(view, record) || agentVouches(view, memberOf(record.primary));
}

/**
 * What this member tells of whether it hears the primary, at `now`: of the primary's agent by the answers that came since
 * its last look (`peers`), of its receiver by that look, since what the receiver heard after it is not known. A look is
 * taken once in `suspectAfter`; one that is older tells nothing.
 */
export function tellsHearing(
  view: View,
  record: ClusterRecord,
  now: Instant,
  peers: View['peers'] = view.peers,
): boolean {
  if (hearsPrimary({ ...view, peers, now }, record)) return true;
  const isRecent = elapsed(view.now, now) <= view.settings.suspectAfter;
  return isRecent && receivesFromPrimary({ ...view, peers }, record);
}

/** How long the winner of an epoch has to settle it while its agent answers, in units of `hungAfter`. */
const OFFICE_PATIENCE = 3;

/**
 * The winner of an epoch is not heard through replication before it has promoted: nobody suspects it for
 * `suspectAfter` from when its win was seen, nor while its agent answers and the promotion has not taken for ever.
 */
function isTakingOffice(view: View, record: ClusterRecord): boolean {
  if (record.settled.epoch >= record.epoch || record.primary === null) return false;
  const peer = peerOf(view, memberOf(record.primary));
  if (peer?.last === 'refused' || hasTurnedAway(peer, record)) return false;
  const since = elapsed(view.record.epochSeenAt, view.now);
  if (since <= view.settings.suspectAfter) return true;
  const answers = elapsed(peer?.answeredAt ?? null, view.now) <= view.settings.suspectAfter;
  const alive =
    peer?.state?.state === 'starting' ||
    peer?.state?.state === 'standby' ||
    peer?.state?.state === 'promoting' ||
    peer?.state?.state === 'primary';
  return answers && alive && since <= OFFICE_PATIENCE * view.settings.hungAfter;
}

/** The winner came down before it promoted, and promised a higher epoch since, if only to itself: this one is over. */
function hasTurnedAway(peer: PeerView | null, record: ClusterRecord): boolean {
  const state = peer?.state ?? null;
  if (state === null || (state.state !== 'standby' && state.state !== 'starting')) return false;
  return state.promise > record.epoch;
}

/** Both its agent and its Postgres refuse connections: nobody listens there. */
function refusesEverything(view: View, primary: MemberName): boolean {
  const peer = peerOf(view, primary);
  return (
    peer?.last === 'refused' &&
    peer.postgres === 'refused' &&
    elapsed(peer.lastAt, view.now) <= view.settings.suspectAfter
  );
}

/** What this member alone thinks of the primary. */
export function suspect(view: View, record: ClusterRecord): Suspicion {
  if (record.primary === null)
    return { suspected: true, strength: 'released', reason: 'there is no primary' };
  if (isReleased(record)) {
    return { suspected: true, strength: 'released', reason: `${record.primary} released the Lease` };
  }
  const primary = memberOf(record.primary);
  if (primary === view.self) {
    return {
      suspected: true,
      strength: 'released',
      reason: 'it is that primary itself, and does not run one',
    };
  }
  if (refusesEverything(view, primary)) {
    return {
      suspected: true,
      strength: 'refused',
      reason: `agent and Postgres of ${primary} refuse connections`,
    };
  }
  if (hearsPrimary(view, record)) return { suspected: false, reason: `${primary} is heard` };
  if (elapsed(view.primaryHeardAt, view.now) <= view.settings.suspectAfter) {
    return { suspected: false, reason: `${primary} was heard a moment ago` };
  }
  return {
    suspected: true,
    strength: 'silent',
    reason: `nothing was heard of ${primary} for ${view.settings.suspectAfter} ms`,
  };
}

/**
 * Whether enough members share the suspicion for a takeover to begin: a majority; where so few answer that there can
 * be none (two members; four of which two are lost), the Lease must also be overdue, or the connections refused.
 */
export function isShared(view: View, record: ClusterRecord, suspicion: Suspicion): boolean {
  if (!suspicion.suspected) return false;
  if (suspicion.strength === 'released') return true;
  const majority = Math.floor(view.settings.expectedMembers.length / 2) + 1;
  const primary = record.primary === null ? null : memberOf(record.primary);
  // The suspected one hears no primary either: it is no witness.
  const answering = view.peers.filter(
    (peer) =>
      peer.member !== primary &&
      peer.state !== null &&
      elapsed(peer.answeredAt, view.now) <= view.settings.suspectAfter,
  );
  if (answering.length + 1 < majority) {
    return suspicion.strength === 'refused' || isOverdue(view.record, view.settings, view.now);
  }
  const agreeing = answering.filter(
    ({ state }) => state?.hearsPrimary === false && (state.floor?.epoch ?? 0) <= record.epoch,
  );
  return agreeing.length + 1 >= majority;
}
