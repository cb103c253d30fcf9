import { nextCohortStep, wantedCohort } from './cohort.ts';
import { type Decision, wait } from './decision.ts';
import { remember, superiorTo } from './floor.ts';
import { hung, isHung } from './hung.ts';
import { isolated } from './isolation.ts';
import { leaveOffice } from './leave-office.ts';
import { permittedUntil } from './permission.ts';
import { comply, leave, leaveUnsettled } from './planned-end.ts';
import { countIn, parseSynchronousStandbyNames } from './quorum.ts';
import type { ClusterRecord, Cohort } from './record.ts';
import { isSelfBumped, settle } from './settle.ts';
import { runningTask, startAgain } from './tasks.ts';
import { selfBumped, withCohort } from './transitions.ts';
import { type Epoch, elapsed, epoch, millis } from './units.ts';
import type { ServerView, View } from './view.ts';

/** The decision of a member whose Postgres runs as primary and whose record says so. */
export function lead(view: View, record: ClusterRecord): Decision {
  const server = view.local.server;
  if (server === null || isHung(view)) return hung(view);
  const superior = superseded(view, record.epoch);
  if (superior !== null) return superior;
  const unsettled = record.settled.epoch < record.epoch;
  if (unsettled) {
    const left = leaveUnsettled(view, record);
    if (left !== null) return left;
  }
  // An epoch that the holder gave itself keeps its clients: they may be as alone with it as in any settled one.
  const mayHaveClients = !unsettled || isSelfBumped(record);
  if (mayHaveClients && view.now >= permittedUntil(view, record) && !record.paused) {
    return isolated(view, record, server);
  }
  if (unsettled) {
    const step = bump(view, record, server) ?? settle(view, record, server);
    // Commits go on counting under the published cohort. Were it frozen, a lost member would hold the epoch up for ever.
    const waits = step.kind === 'wait' && isSelfBumped(record);
    return (waits ? maintainCohort(view, record, server) : null) ?? step;
  }
  return (
    leave(view, record) ??
    // Before the mark, which waits for members: those that promised a higher epoch wait for the record to reach it.
    bump(view, record, server) ??
    // The mark waits for members too: were the cohort frozen, one that is gone for good would keep the door shut for ever.
    (isStarved(server) ? maintainCohort(view, record, server) : null) ??
    (server.doorOpen ? mark(record, server) : null) ??
    hold(view, record) ??
    (server.doorOpen ? null : openDoor(record, server)) ??
    comply(view, record) ??
    remember(view, record) ??
    leaveOffice(view, record) ??
    maintainCohort(view, record, server) ??
    (server.doorInDoubt ? openDoor(record, server) : null) ??
    wait(`leads epoch ${record.epoch}`)
  );
}

/** Fewer members stream than Postgres has a commit wait for. */
function isStarved(server: ServerView): boolean {
  const names = parseSynchronousStandbyNames(server.synchronousStandbyNames);
  if (names === null) return true;
  const streaming = server.walsenders.filter((walsender) => walsender.streaming);
  const have = countIn(
    names.members,
    streaming.map((walsender) => walsender.identity),
  );
  return have < names.acks;
}

function mark(record: ClusterRecord, server: ServerView): Decision | null {
  if (server.settledEpoch >= record.epoch) return null;
  return {
    kind: 'mark-settled',
    epoch: record.epoch,
    timeline: record.timeline,
    reason: `epoch ${record.epoch} is settled; its WAL shall say so`,
  };
}

/** A member followed a higher epoch: this one repairs nothing, bumps nothing, and stops. */
export function superseded(view: View, own: Epoch): Decision | null {
  const superior = superiorTo(view, own);
  if (superior === null) return null;
  return {
    kind: 'stop',
    mode: 'fast',
    demotion: true,
    reason: `${superior.member} followed epoch ${superior.floor.epoch}, above ${own}: superseded`,
  };
}

/** Asynchronous mode, the API away: every eligible member's word not to acquire. */
function hold(view: View, record: ClusterRecord): Decision | null {
  if (record.settled.acks > 0 || record.paused) return null;
  if (elapsed(view.hold.renewedAt, view.now) < 2 * view.settings.renewInterval) return null;
  const left = (view.hold.heldUntil ?? 0) - view.now;
  if (left > record.leaseDuration / 2) return null;
  return {
    kind: 'hold-members',
    duration: millis(record.leaseDuration),
    reason: 'the API does not take renewals: the members are asked not to acquire',
  };
}

/** A takeover that was abandoned: members promised a higher epoch and follow none. */
function bump(view: View, record: ClusterRecord, server: ServerView): Decision | null {
  let highest = view.local.promise;
  for (const { state } of view.peers) {
    if (state === null || state.clusterUID !== record.clusterUID) continue;
    if ((state.floor?.epoch ?? 0) > record.epoch) continue;
    if (state.promise > highest) highest = state.promise;
  }
  // A takeover that was won, and that the record forgot before anybody followed it: its number is not used again.
  const { told } = view.record;
  if (told !== null && told.epoch > record.epoch && told.epoch >= highest) highest = epoch(told.epoch + 1);
  if (highest <= record.epoch || !view.record.apiReachable) return null;
  return {
    kind: 'swap-record',
    change: 'self-bump',
    record: selfBumped(record, epoch(highest), {
      at: new Date(view.wallClock).toISOString(),
      switchLsn: server.forks.at(-1)?.switchLsn ?? null,
    }),
    reason: `a member promised epoch ${highest}, or saw one below it, of a takeover that was abandoned`,
  };
}

/** Clients wait: the mark and the door are one step. */
function openDoor(record: ClusterRecord, server: ServerView): Decision {
  const { epoch, timeline } = record;
  return {
    kind: 'open-door',
    mark: server.settledEpoch >= epoch ? null : { epoch, timeline },
    reason: `epoch ${epoch} is settled`,
  };
}

/** One step towards the wanted cohort; frozen while the API is away. */
function maintainCohort(view: View, record: ClusterRecord, server: ServerView): Decision | null {
  if (!view.record.apiReachable || record.paused) return null;
  const published: Cohort = { members: record.settled.cohort, acks: record.settled.acks };
  const step = nextCohortStep(
    published,
    server.synchronousStandbyNames,
    view.hold.provenNames,
    wantedCohort(view, record),
  );
  switch (step.kind) {
    case 'none':
      return null;
    case 'set-names':
      return { kind: 'set-names', cohort: step.cohort, reason: step.why };
    case 'prove':
      if (runningTask(view, 'prove-names') !== null) return null;
      return (
        startAgain(view, 'prove-names') ?? {
          kind: 'prove-names',
          cohort: step.cohort,
          before: published,
          reason: step.why,
        }
      );
    case 'publish':
      return {
        kind: 'swap-record',
        change: 'publish-cohort',
        record: withCohort(record, step.cohort),
        reason: `cohort ANY ${step.cohort.acks} of ${step.cohort.members.length}: ${step.why}`,
      };
  }
}
