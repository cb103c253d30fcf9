import { choose } from './choose.ts';
import { type Decision, wait } from './decision.ts';
import { FRESH_LOOK } from './lease.ts';
import { type MemberIncarnation, type MemberName, memberIncarnation } from './member.ts';
import { repairAsPrimary } from './primary.ts';
import type { ClusterRecord } from './record.ts';
import { rebuilt, won } from './transitions.ts';
import { elapsed, epoch, timelineId } from './units.ts';
import type { View } from './view.ts';

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
  if (view.settings.tags.nofailover || view.wishes.shutdown) return wait(why);
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
    reason: `${why}: every known member is asked for epoch ${next}`,
  };
}

function pursueRepair(view: View, why: string): Decision {
  const { recruitment } = view;
  const identity = view.local.identity;
  if (recruitment === null || identity === null) return wait(why);
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
  if (choice.kind !== 'lead')
    return { kind: 'abandon-recruit', reason: choice.kind === 'failed' ? choice.reason : choice.kind };
  if (elapsed(recruitment.baseAt, view.now) > FRESH_LOOK)
    return { kind: 'abandon-recruit', reason: 'the direct GET is too old' };
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
    reason: `${why}: every known member promised`,
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
  for (const member of view.members) highest = Math.max(highest, member.floor?.epoch ?? 0);
  return epoch(highest + 1);
}

/**
 * The record that a repair recruits under: the cohort is every known member and one acknowledgement, so that every
 * promise is needed. Null while a known member's identity is not known.
 */
export function baseOfRepair(view: View): ClusterRecord | null {
  const cohort: MemberIncarnation[] = [];
  let timeline: number = view.local.server?.timeline ?? view.local.timeline;
  for (const known of Object.keys(view.local.timelineEpochs)) timeline = Math.max(timeline, Number(known));
  for (const member of knownMembers(view)) {
    if (member === view.self) {
      if (view.local.identity === null) return null;
      cohort.push(view.local.identity);
      continue;
    }
    const state = view.peers.find((peer) => peer.member === member)?.state ?? null;
    if (state === null || state.incarnation === null) return null;
    cohort.push(memberIncarnation(member, state.incarnation));
    timeline = Math.max(timeline, state.timeline);
  }
  const stale = view.record.current?.record ?? view.record.lastValid;
  const highest = Math.max(
    timeline,
    stale?.highestTimeline ?? 0,
    view.record.lastValid?.highestTimeline ?? 0,
  );
  return rebuilt(
    {
      clusterUID: view.local.clusterUID ?? '',
      systemIdentifier: view.local.systemIdentifier,
      leaseDuration: view.settings.leaseDuration,
      generation: stale?.generation ?? 1,
      fenced: view.record.lastValid?.fenced ?? [],
    },
    { epoch: epoch(nextEpoch(view) - 1), highestTimeline: timelineId(highest), cohort },
  );
}
