import { mayCandidate } from './candidate.ts';
import { catchUp } from './catch-up.ts';
import { choose, grantedOf } from './choose.ts';
import { type Decision, wait } from './decision.ts';
import { identityOf } from './identity-of.ts';
import { FRESH_LOOK } from './lease.ts';
import type { MemberIncarnation, MemberName } from './member.ts';
import type { ClusterRecord, Seen } from './record.ts';
import { repairAsPrimary } from './repair-as-primary.ts';
import { rebuilt, won } from './transitions.ts';
import { type Epoch, elapsed, epoch, timelineId } from './units.ts';
import type { Recruitment, View } from './view.ts';

/**
 * The record is gone, or went backwards below this member's floor: it is obeyed by nobody. A running primary
 * repairs it; without one, promises of every known member make a new epoch.
 */
export function repair(view: View, why: string): Decision {
  if (view.local.state === 'primary') return repairAsPrimary(view, why);
  if (view.local.state !== 'standby') return wait(why);
  const since = view.record.current === null ? view.record.absentSince : view.record.changedAt;
  if (elapsed(since, view.now) < view.settings.leaseDuration) {
    return wait(`${why}: one lease duration is waited for its primary to repair it`);
  }
  const serving = view.peers.find((peer) => peer.state?.state === 'primary' && peer.last === 'answered');
  if (serving) return wait(`${why}: ${serving.member} runs as primary and repairs it`);
  if (view.recruitment !== null) return pursueRepair(view, why);
  if (!mayCandidate(view)) return wait(why);
  if (view.wishes.failover?.acceptDataLoss === true) return rebuildAlone(view, why);
  if (elapsed(view.failedRecruitAt, view.now) < 1_000 * (1 + view.chance)) {
    return wait(`${why}: not every known member promised; a person may bring them back`);
  }
  if (
    view.settings.expectedMembers[0] !== view.self &&
    elapsed(since, view.now) < view.settings.leaseDuration + 500
  ) {
    return wait(`${why}: ${view.settings.expectedMembers[0]} goes first`);
  }
  const known = knownMembers(view);
  const next = nextEpoch(view);
  return {
    kind: 'recruit',
    epoch: next,
    from: known,
    repair: true,
    prepares: null,
    reason: `${why}: every known member is asked for epoch ${next}`,
  };
}

/** A person's word in the place of promises that will never come (a volume that was lost together with the record). */
function rebuildAlone(view: View, why: string): Decision {
  const { identity } = view.local;
  if (identity === null) return wait(why);
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK) {
    return { kind: 'look', reason: `${why}: a direct GET precedes a win` };
  }
  return {
    kind: 'win',
    proof: 'person',
    record: won(rebuiltBase(view, identitiesAtHand(view)), {
      primary: identity,
      holder: view.hold.holder,
      epoch: nextEpoch(view),
      leaseDuration: view.settings.leaseDuration,
    }),
    resourceVersion: view.record.current?.resourceVersion ?? view.record.unreadable,
    reason: `${why}: a person accepted the loss of data`,
  };
}

function pursueRepair(view: View, why: string): Decision {
  const { recruitment } = view;
  const identity = view.local.identity;
  if (recruitment === null || identity === null) return wait(why);
  if (recruitment.epoch < view.local.promise) {
    return { kind: 'abandon-recruit', reason: `it promised epoch ${view.local.promise} since` };
  }
  const choice = choose(recruitment, view.self);
  if (choice.kind === 'open') {
    if (elapsed(recruitment.startedAt, view.now) <= 2 * view.settings.recruitTimeout)
      return wait('promises are awaited');
    return { kind: 'abandon-recruit', reason: `${choice.have} of ${choice.need} promises in time` };
  }
  if (choice.kind === 'yield') {
    return {
      kind: 'yield',
      to: choice.to,
      epoch: recruitment.epoch,
      reason: `${choice.to} has the better position`,
    };
  }
  if (choice.kind === 'failed') return { kind: 'abandon-recruit', reason: choice.reason };
  if (choice.kind === 'catch-up') return catchUp(view, recruitment, choice);
  if (elapsed(recruitment.baseAt, view.now) > FRESH_LOOK)
    return { kind: 'abandon-recruit', reason: 'the direct GET is too old' };
  return {
    kind: 'win',
    proof: 'promises',
    record: won(asMarked(recruitment), {
      primary: identity,
      holder: view.hold.holder,
      epoch: recruitment.epoch,
      leaseDuration: view.settings.leaseDuration,
    }),
    resourceVersion: recruitment.base.resourceVersion === '' ? null : recruitment.base.resourceVersion,
    reason: `${why}: every known member promised`,
  };
}

/**
 * The rebuilt record says as settled what the WAL of any member marks so: everybody promised, and the best leads. Else
 * those that left its history could not come back to it, and it could never settle without them.
 */
function asMarked(recruitment: Recruitment): ClusterRecord {
  const { record } = recruitment.base;
  const marks = grantedOf(recruitment).map((answer) => answer.settledEpoch);
  return {
    ...record,
    settled: { ...record.settled, epoch: epoch(Math.max(record.settled.epoch, ...marks)) },
  };
}

/** Every member that could have acknowledged anything: member records and expected ordinals. */
function knownMembers(view: View): readonly MemberName[] {
  return [
    ...new Set([...view.settings.expectedMembers, ...view.members.map((member) => member.member)]),
  ].sort();
}

function nextEpoch(view: View) {
  let highest = Math.max(
    view.record.current?.record.epoch ?? 0,
    view.record.lastValid?.epoch ?? 0,
    view.local.floor?.epoch ?? 0,
    view.local.promise - 1,
  );
  for (const { state } of view.peers) {
    if (state !== null) highest = Math.max(highest, state.floor?.epoch ?? 0, state.promise - 1);
  }
  for (const seen of everSeen(view)) highest = Math.max(highest, seen.epoch);
  for (const member of view.members) highest = Math.max(highest, member.floor?.epoch ?? 0);
  return epoch(highest + 1);
}

/** Above every revision known: the rebuilt record is newer than any, whatever its epoch. */
function nextRevision(view: View): number {
  const { current, lastValid } = view.record;
  const floors = [view.local.floor, ...view.peers.map((peer) => peer.state?.floor ?? null)];
  return (
    1 +
    Math.max(
      current?.record.revision ?? 0,
      lastValid?.revision ?? 0,
      ...floors.map((floor) => floor?.revision ?? 0),
      ...everSeen(view).map((seen) => seen.revision),
    )
  );
}

/** The newest records of this cluster that its members saw. */
function everSeen(view: View): readonly Seen[] {
  const { seen, told } = view.record;
  return [seen, told, ...view.peers.map((peer) => peer.state?.seen ?? null)].filter(
    (known) => known !== null && known.clusterUID === view.local.clusterUID,
  ) as readonly Seen[];
}

/**
 * The record that a repair recruits under: the cohort is every known member and one acknowledgement, so that every
 * promise is needed. Null while a known member's identity is not known.
 */
export function baseOfRepair(view: View): ClusterRecord | null {
  const cohort = identitiesAtHand(view);
  return cohort.length < knownMembers(view).length ? null : rebuiltBase(view, cohort);
}

/** The known members whose identity is known. */
function identitiesAtHand(view: View): readonly MemberIncarnation[] {
  return knownMembers(view).flatMap((member) => {
    if (member === view.self) return view.local.identity === null ? [] : [view.local.identity];
    const identity = identityOf(view.peers.find((peer) => peer.member === member)?.state ?? null);
    return identity === null ? [] : [identity];
  });
}

/**
 * No timeline above this was ever reserved: every epoch after one that is known reserved one at most. Who promoted to it may
 * have died with the record, and with its own volume.
 */
function reservedAtMost(view: View, highest: Epoch): number {
  const { current, lastValid } = view.record;
  const known = [current?.record ?? null, lastValid].filter((record) => record !== null);
  const newest = known.toSorted((a, b) => b.epoch - a.epoch)[0];
  if (newest !== undefined) return newest.highestTimeline + Math.max(0, highest - newest.epoch);
  const bounds = Object.entries(view.local.timelineEpochs).map(
    ([timeline, of]) => Number(timeline) + Math.max(0, highest - of),
  );
  return bounds.length === 0 ? 0 : Math.min(...bounds);
}

function rebuiltBase(view: View, cohort: readonly MemberIncarnation[]): ClusterRecord {
  const { current, lastValid } = view.record;
  const highest = epoch(nextEpoch(view) - 1);
  const timelines = [
    reservedAtMost(view, highest),
    view.local.server?.timeline ?? view.local.timeline,
    ...Object.keys(view.local.timelineEpochs).map(Number),
    ...view.peers.map((peer) => peer.state?.timeline ?? 0),
    current?.record.highestTimeline ?? 0,
    lastValid?.highestTimeline ?? 0,
  ];
  return rebuilt(
    {
      clusterUID: view.local.clusterUID ?? '',
      systemIdentifier: view.local.systemIdentifier,
      leaseDuration: view.settings.leaseDuration,
      generation:
        view.local.generation ?? Math.max(1, current?.record.generation ?? 1, lastValid?.generation ?? 1),
      fenced: lastValid?.fenced ?? [],
      // Nobody but a person ends what a person began.
      paused: lastValid?.paused ?? false,
      ...(lastValid?.recovery === undefined ? {} : { recovery: lastValid.recovery }),
      ...(lastValid?.confirmed === undefined ? {} : { confirmed: lastValid.confirmed }),
    },
    {
      epoch: highest,
      revision: nextRevision(view),
      highestTimeline: timelineId(Math.max(...timelines)),
      cohort,
    },
  );
}
