import { catchUp } from './catch-up.ts';
import { choose } from './choose.ts';
import { firstCohort } from './cohort.ts';
import { type Decision, type Proof, wait } from './decision.ts';
import { newerSeen, superiorTo } from './floor.ts';
import { endingStands, TAKE_BACK_AFTER } from './handover.ts';
import { epochOfTimeline } from './history.ts';
import { identityOf } from './identity-of.ts';
import { FRESH_LOOK, isExpired, isReleased } from './lease.ts';
import { lsnBytes } from './lsn.ts';
import { type MemberName, memberOf } from './member.ts';
import type { Position } from './peer.ts';
import { compareStandings, lastLed, type Standing } from './position.ts';
import { countIn, promisesNeeded } from './quorum.ts';
import type { ClusterRecord, Cohort } from './record.ts';
import { isShared, suspect } from './suspicion.ts';
import { won } from './transitions.ts';
import { type Epoch, elapsed, epoch } from './units.ts';
import type { Recruitment, ServerView, View } from './view.ts';

/** How long a candidate lets a better one go first. */
const STAGGER = 150;
/** How far (bytes of WAL) members that stream the same are apart when they are asked at different times. */
const NEAR = 1_048_576;
/** The pause after a recruitment that failed, plus up to as much again by chance. */
const RECRUIT_AGAIN = 250;
/** For how long a peer's word "lead" counts. */
const LEAD_FRESH = 2_000;

/** The step of a standby towards leadership; null: it has no reason, or no right, to lead. */
export function takeOver(view: View, record: ClusterRecord, server: ServerView): Decision | null {
  if (view.recruitment !== null) return pursue(view, record, view.recruitment, server);
  const handed = handedOver(view, record);
  if (handed !== null) return handed;
  if (!mayCandidate(view) && !wasLetLead(view, record)) return null;
  const person = view.wishes.failover;
  // While paused nobody promises: only a word that needs no promises goes on.
  if (record.paused && person?.acceptDataLoss !== true) return null;
  if (person?.acceptDataLoss === true && (isReleased(record) || isExpired(record, view.record, view.now))) {
    return win(view, record, 'person', 'a person accepted the loss of data');
  }
  if (isPlannedOtherwise(view, record)) return null;
  if (record.settled.acks === 0) return acquire(view, record, server);
  const suspicion = suspect(view, record);
  if (!suspicion.suspected) return null;
  if (person === null && !isShared(view, record, suspicion)) return null;
  if (server.receiver === null && !server.atEndOfWal) return wait('it still reads its local WAL');
  const lead = invited(view);
  if (lead === null && person === null && isColdStart(view, record)) {
    return wait(`${record.settled.primary} may be starting too: it holds everything, and goes first`);
  }
  if (lead === null) {
    const delay = STAGGER * rank(view, record);
    if (elapsed(view.suspectedSince, view.now) < delay)
      return wait(`${suspicion.reason}: a better candidate goes first`);
    if (elapsed(view.failedRecruitAt, view.now) < RECRUIT_AGAIN * (1 + view.chance)) {
      return wait('the last recruitment failed; a pause before the next');
    }
  }
  return recruit(view, record, suspicion.reason, lead);
}

function recruit(view: View, record: ClusterRecord, why: string, lead: Epoch | null): Decision {
  const asked = new Set<MemberName>(record.settled.cohort.map(memberOf));
  if (record.settled.primary !== null) asked.add(memberOf(record.settled.primary));
  const next = epoch(Math.max(record.epoch + 1, view.local.promise, lead ?? 0, highestPromise(view, record)));
  return {
    kind: 'recruit',
    epoch: next,
    from: [...asked].sort(),
    repair: false,
    prepares: preparation(view, record),
    reason: `${why}: recruits for epoch ${next}`,
  };
}

/** What it can prepare while the others are asked. Without acknowledgements nothing: a standby's names are never empty. */
function preparation(view: View, record: ClusterRecord): Cohort | null {
  if (!expectsToWin(view, record)) return null;
  const cohort = firstCohort(view, record, []);
  return cohort.acks === 0 ? null : cohort;
}

/**
 * So many members of the settled cohort answer that their promises would suffice. A candidate closes its door only then:
 * one that stays alone keeps its readers.
 */
function expectsToWin(view: View, record: ClusterRecord): boolean {
  const { cohort, acks } = record.settled;
  const answering = view.peers.flatMap(({ state, answeredAt }) => {
    const identity = identityOf(state);
    const fresh = elapsed(answeredAt, view.now) <= 2 * view.settings.suspectAfter;
    return identity !== null && state?.state === 'standby' && fresh ? [identity] : [];
  });
  const own = view.local.identity === null ? [] : [view.local.identity];
  return countIn(cohort, [...answering, ...own]) >= promisesNeeded({ members: cohort, acks });
}

/** What comes of a recruitment under way. */
function pursue(view: View, record: ClusterRecord, recruitment: Recruitment, server: ServerView): Decision {
  const abandon = (reason: string): Decision => ({ kind: 'abandon-recruit', reason });
  if (record.epoch !== recruitment.base.record.epoch)
    return abandon(`the record moved to epoch ${record.epoch}`);
  if (recruitment.epoch < view.local.promise) return abandon(`it promised epoch ${view.local.promise} since`);
  if (record.paused || view.wishes.shutdown) return abandon('it may not lead now');
  const choice = choose(recruitment, view.self);
  switch (choice.kind) {
    case 'open':
      if (elapsed(recruitment.startedAt, view.now) > 2 * view.settings.recruitTimeout) {
        return abandon(`${choice.have} of ${choice.need} promises in time`);
      }
      return wait(`${choice.have} of ${choice.need} promises for epoch ${recruitment.epoch}`);
    case 'failed':
      return abandon(choice.reason);
    case 'yield':
      return {
        kind: 'yield',
        to: choice.to,
        epoch: recruitment.epoch,
        reason: `${choice.to} has the better claim to epoch ${recruitment.epoch}`,
      };
    case 'catch-up':
      return catchUp(view, recruitment, choice);
    case 'lead': {
      if (elapsed(recruitment.baseAt, view.now) > FRESH_LOOK) return abandon('the direct GET is too old');
      const identity = view.local.identity;
      if (identity === null || !server.inRecovery) return abandon('it is no standby');
      const superior = superiorTo(view, record.epoch);
      if (superior !== null) return abandon(`${superior.member} followed epoch ${superior.floor.epoch}`);
      if (!isStillShared(view, record))
        return abandon('the direct GET shows a renewal, and too few share the suspicion');
      const newer = newerSeen(view, recruitment.base.record);
      if (newer !== null) return abandon(`${newer} saw a newer record than the one that was read`);
      return {
        kind: 'win',
        proof: 'promises',
        record: won(recruitment.base.record, {
          primary: identity,
          holder: view.hold.holder,
          epoch: recruitment.epoch,
          leaseDuration: view.settings.leaseDuration,
        }),
        resourceVersion: recruitment.base.resourceVersion === '' ? null : recruitment.base.resourceVersion,
        reason: choice.proof,
      };
    }
  }
}

/**
 * A suspicion that no majority shared began by a Lease that was overdue as far as this member knew: whoever was cut off
 * from everything knows nothing of renewals. Where one promise is enough, its own word would do for a takeover.
 */
function isStillShared(view: View, record: ClusterRecord): boolean {
  if (view.wishes.failover !== null || invited(view) !== null) return true;
  return isShared(view, record, suspect(view, record));
}

/** The old primary released to this member after it had flushed the shutdown checkpoint: no promises are needed. */
function handedOver(view: View, record: ClusterRecord): Decision | null {
  if (record.ending === null || record.ending.target !== view.local.identity || !isReleased(record))
    return null;
  return win(view, record, 'handed-over', `${record.primary} handed over`);
}

/** Asynchronous mode: an expired or released Lease, listed as eligible, near enough. */
function acquire(view: View, record: ClusterRecord, server: ServerView): Decision | null {
  const identity = view.local.identity;
  const released = isReleased(record);
  if (!released && !isExpired(record, view.record, view.now)) return null;
  if (identity === null) return null;
  // The last settled primary holds everything that it acknowledged: a winner that never settled acknowledged nothing.
  // Nor has anybody since that winner, which was allowed to lead and may be again.
  const wasPrimary = record.settled.primary === identity || record.primary === identity;
  if (!wasPrimary && !record.settled.cohort.includes(identity)) return null;
  if ((view.wishes.heldUntil ?? 0) > view.now) return null;
  if (!released && !suspect(view, record).suspected) return null;
  if (server.receiver === null && !server.atEndOfWal) return wait('it still reads its local WAL');
  const lag = lsnBytes(record.flushLsn) - lsnBytes(server.flushLsn);
  if (!wasPrimary && lag > view.settings.maximumLagOnFailover) {
    return wait(`it lags ${lag} bytes behind, more than maximumLagOnFailover`);
  }
  const delay = STAGGER * rank(view, record) * (1 + view.chance);
  if (elapsed(view.suspectedSince, view.now) < delay) return wait('a better candidate goes first');
  return win(view, record, 'expired', released ? 'the Lease is released' : 'the Lease expired');
}

/** A win without promises, under a record that was just read and that no member knows to be a thing of the past. */
export function win(view: View, record: ClusterRecord, proof: Proof, why: string): Decision {
  const identity = view.local.identity;
  if (identity === null) return wait('it has no identity');
  const { readAt } = view.record;
  const superior = superiorTo(view, record.epoch);
  const readSince = readAt !== null && (superior?.toldAt == null || readAt >= superior.toldAt);
  if (elapsed(readAt, view.now) > FRESH_LOOK || !readSince) {
    return { kind: 'look', reason: `${why}: a direct GET precedes a win` };
  }
  // What a read since then does not find went backwards, and the tracker says so.
  const newer = newerSeen(view, record);
  if (newer !== null) return { kind: 'look', reason: `${why}, but ${newer} saw a newer record` };
  if (superior !== null) {
    return wait(
      `the record went backwards: it says epoch ${record.epoch}, but ${superior.member} followed epoch ${superior.floor.epoch} of ${superior.floor.primary}`,
    );
  }
  return {
    kind: 'win',
    proof,
    record: won(record, {
      primary: identity,
      holder: view.hold.holder,
      epoch: epoch(Math.max(record.epoch + 1, view.local.promise, highestPromise(view, record))),
      leaseDuration: view.settings.leaseDuration,
    }),
    resourceVersion: view.record.current?.resourceVersion ?? null,
    reason: why,
  };
}

/**
 * A planned end is for its target alone, until it had its time, and the old primary had its to take the Lease back.
 * The target waits for the release too: a recruitment would end the receiver that brings the shutdown checkpoint.
 */
function isPlannedOtherwise(view: View, record: ClusterRecord): boolean {
  if (record.ending === null) return false;
  const isTarget = record.ending.target === view.local.identity;
  return elapsed(view.record.changedAt, view.now) < (isTarget ? TAKE_BACK_AFTER : endingStands(record));
}

/**
 * This agent has just started, and so may the last settled primary: only it is sure to hold everything that was
 * written, such as its own shutdown checkpoint, and another that goes first would make it rewind.
 */
function isColdStart(view: View, record: ClusterRecord): boolean {
  if (record.settled.primary === null || record.settled.primary === view.local.identity) return false;
  return elapsed(view.startedAt, view.now) < TAKE_BACK_AFTER;
}

/**
 * Whether this member may try to lead. One that is tagged `nofailover` only where a candidate withdrew in its favour: then
 * nobody else can get what it holds (`catchUp`).
 */
export function mayCandidate(view: View): boolean {
  return !view.wishes.shutdown && (!view.settings.tags.nofailover || invited(view) !== null);
}

/** It won the record's epoch, which others let it, and holds what nobody else can get: also where it came down since. */
function wasLetLead(view: View, record: ClusterRecord): boolean {
  return !view.wishes.shutdown && record.primary !== null && record.primary === view.local.identity;
}

/** The epoch that a peer withdrew from in this member's favour, a moment ago. */
export function invited(view: View): Epoch | null {
  const { lead } = view.wishes;
  return lead !== null && elapsed(lead.at, view.now) <= LEAD_FRESH ? lead.epoch : null;
}

/** The highest epoch that a member of this cluster is known to have promised. */
export function highestPromise(view: View, record: ClusterRecord): number {
  let highest = 0;
  for (const { state } of view.peers) {
    if (state?.clusterUID === record.clusterUID) highest = Math.max(highest, state.promise);
  }
  return highest;
}

/** How many members that may lead, answer, and are recruited stand better than this one. */
function rank(view: View, record: ClusterRecord): number {
  const own = ownStanding(view, record);
  if (own === null) return view.peers.length;
  return view.peers.filter(({ member, state, answeredAt }) => {
    const identity = identityOf(state);
    if (state === null || identity === null || state.position === null) return false;
    if (state.state !== 'standby' || state.tags.nofailover || state.ending) return false;
    if (elapsed(answeredAt, view.now) > 2 * view.settings.suspectAfter) return false;
    if (!record.settled.cohort.includes(identity) && record.settled.primary !== identity) return false;
    const { priority } = state.tags;
    const led = lastLed(record.history, member);
    const position = isNear(state.position, own.position) ? own.position : state.position;
    return compareStandings({ member, position, priority, lastLed: led }, own) < 0;
  }).length;
}

/**
 * A peer told its position some time ago, and more has come since: of two that stream, each would think itself ahead,
 * and both would recruit. Who goes first is only a matter of order: the promises tell who holds more.
 */
function isNear(told: Position, own: Position): boolean {
  return told.epoch === own.epoch && Math.abs(lsnBytes(told.lsn) - lsnBytes(own.lsn)) <= NEAR;
}

function ownStanding(view: View, record: ClusterRecord): Standing | null {
  const server = view.local.server;
  if (server === null) return null;
  const of = epochOfTimeline(view.local.timelineEpochs, server.timeline);
  if (of === null) return null;
  return {
    member: view.self,
    position: { epoch: of, lsn: server.flushLsn },
    priority: view.settings.tags.priority,
    lastLed: lastLed(record.history, view.self),
  };
}
