import { nextCohortStep, wantedCohort } from './cohort.ts';
import { type Decision, wait } from './decision.ts';
import { isFenced } from './fenced.ts';
import { superiorTo } from './floor.ts';
import { chooseTarget, TAKE_BACK_AFTER } from './handover.ts';
import { isolated } from './isolation.ts';
import { compareLsn } from './lsn.ts';
import { permittedUntil } from './permission.ts';
import { countIn, parseSynchronousStandbyNames, synchronousStandbyNames } from './quorum.ts';
import type { ClusterRecord, Cohort } from './record.ts';
import { runningTask, startAgain } from './tasks.ts';
import { selfBumped, settled, withCohort, withEnding } from './transitions.ts';
import { type Epoch, elapsed, epoch, millis } from './units.ts';
import type { ServerView, View } from './view.ts';

/** How long a shutdown tries to announce its hand-over, in milliseconds. */
const ANNOUNCE_WITHIN = 3 * TAKE_BACK_AFTER;

/** How long an epoch row may wait before standbys outside the new cohort are counted in as well. */
const WIDEN_AFTER = 2_000;

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
  if (unsettled) return bump(view, record, server) ?? settle(view, record, server);
  return (
    leave(view, record) ??
    mark(record, server) ??
    hold(view, record) ??
    (server.doorOpen ? null : openDoor(record)) ??
    bump(view, record, server) ??
    comply(view, record) ??
    maintainCohort(view, record, server) ??
    wait(`leads epoch ${record.epoch}`)
  );
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

/** A Postgres that does not answer: after `hungAfter` it ends itself. */
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

/** New connections (or the whole server) have made no progress for `hungAfter`. */
function isHung(view: View): boolean {
  return (
    view.local.silentSince !== null && elapsed(view.local.silentSince, view.now) >= view.settings.hungAfter
  );
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

/** An epoch that its own holder gave itself: same timeline, WAL and clients. */
export function isSelfBumped(record: ClusterRecord): boolean {
  return (
    record.settled.epoch < record.epoch &&
    record.settled.primary === record.primary &&
    record.settled.timeline === record.timeline
  );
}

/** Nobody can be handed an epoch that is not settled: a member that must go just stops. */
function leaveUnsettled(view: View, record: ClusterRecord): Decision | null {
  if (view.wishes.shutdown) return stopWithoutTarget('shutdown', `epoch ${record.epoch} is not settled`);
  if (isFenced(record.fenced, view.self))
    return stopWithoutTarget('fence', `epoch ${record.epoch} is not settled`);
  return null;
}

/** Row, acknowledgements, second swap. */
function settle(view: View, record: ClusterRecord, server: ServerView): Decision {
  const bumped = isSelfBumped(record);
  if (!bumped && server.doorOpen) {
    return { kind: 'close-door', reason: `epoch ${record.epoch} is not settled` };
  }
  const names = parseSynchronousStandbyNames(server.synchronousStandbyNames);
  if (names === null) {
    return wait(`synchronous_standby_names is foreign: ${server.synchronousStandbyNames}`);
  }
  const busy = runningTask(view, 'epoch-row');
  if (view.hold.rowLsn === null) {
    if (busy === null) {
      return (
        startAgain(view, 'epoch-row') ?? {
          kind: 'write-epoch-row',
          epoch: record.epoch,
          timeline: record.timeline,
          cohort: names,
          reason: `the first commit of epoch ${record.epoch}`,
        }
      );
    }
    return (
      widen(view, record, server, names, bumped) ??
      wait(`epoch ${record.epoch} waits for ${names.acks} acknowledgements`)
    );
  }
  const rowLsn = view.hold.rowLsn;
  // One that still catches up may report WAL of another history: its receiver begins with where its replay stands.
  const flushed = server.walsenders.filter(
    (walsender) => walsender.streaming && compareLsn(walsender.flushLsn, rowLsn) >= 0,
  );
  const have = countIn(
    names.members,
    flushed.map((walsender) => walsender.identity),
  );
  if (have < names.acks) {
    return (
      widen(view, record, server, names, bumped) ??
      wait(`${have} of ${names.acks} flushed the row of epoch ${record.epoch}`)
    );
  }
  if (view.local.promise > record.epoch) {
    return { kind: 'stop', mode: 'fast', demotion: true, reason: `it promised epoch ${view.local.promise}` };
  }
  // An epoch that the holder gave itself changes only the number: cohort and acks change by their own rules.
  const cohort: Cohort = bumped
    ? { members: record.settled.cohort, acks: record.settled.acks }
    : names.acks === 0
      ? { members: [], acks: 0 }
      : names;
  return {
    kind: 'settle',
    record: settled(record, cohort, {
      at: new Date(view.wallClock).toISOString(),
      cause: view.hold.cause,
      switchLsn: server.forks.at(-1)?.switchLsn ?? null,
    }),
    reason: `${have} of ${names.members.length} hold the row of epoch ${record.epoch}`,
  };
}

/** An unsettled cohort may still change: whoever streams this history may acknowledge its row. */
function widen(
  view: View,
  record: ClusterRecord,
  server: ServerView,
  names: Cohort,
  bumped: boolean,
): Decision | null {
  if (bumped || names.acks === 0) return null;
  if (elapsed(view.hold.leadingSince, view.now) < WIDEN_AFTER) return null;
  const wanted = wantedCohort(view, {
    ...record,
    settled: { ...record.settled, cohort: names.members, acks: names.acks },
  });
  const members = [...new Set([...names.members, ...wanted.members])];
  const cohort = { members, acks: view.settings.durability === 'preferred' ? wanted.acks : names.acks };
  if (synchronousStandbyNames(cohort) === server.synchronousStandbyNames) return null;
  return { kind: 'set-names', cohort, reason: 'standbys outside the new cohort stream its history' };
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
  if (highest <= record.epoch || !view.record.apiReachable) return null;
  return {
    kind: 'swap-record',
    change: 'self-bump',
    record: selfBumped(record, epoch(highest), {
      at: new Date(view.wallClock).toISOString(),
      switchLsn: server.forks.at(-1)?.switchLsn ?? null,
    }),
    reason: `a member promised epoch ${highest} to a takeover that was abandoned`,
  };
}

/** Ends that wait for nothing: one that was announced, a shutdown, a fence. */
function leave(view: View, record: ClusterRecord): Decision | null {
  if (record.ending !== null) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: true,
      reason: `hands over to ${record.ending.target} (${record.ending.cause})`,
    };
  }
  const fenced = isFenced(record.fenced, view.self);
  if (!view.wishes.shutdown && !fenced) return null;
  const cause = fenced ? 'fence' : 'shutdown';
  if (record.fenced.includes('*') || record.paused) {
    return stopWithoutTarget(cause, 'no member may take over');
  }
  // What cannot be announced is not waited for: the grace of a shutdown is short.
  const since = view.wishes.shutdownSince;
  const waited = since === null ? 0 : elapsed(since, view.now);
  if (!view.record.apiReachable) return stopWithoutTarget(cause, 'the API is out of reach');
  if (waited > ANNOUNCE_WITHIN) return stopWithoutTarget(cause, 'the hand-over could not be announced');
  const choice = chooseTarget(view, record, null);
  if (choice.kind === 'none') return stopWithoutTarget(cause, choice.reason);
  return {
    kind: 'announce-end',
    record: withEnding(record, { target: choice.target, cause }),
    reason: `${cause}: hands over to ${choice.target}`,
  };
}

/** What people asked for: a restart, a switchover. */
function comply(view: View, record: ClusterRecord): Decision | null {
  if (!view.record.apiReachable) return null;
  if (view.wishes.restart && view.local.identity !== null) {
    return {
      kind: 'announce-end',
      record: withEnding(record, { target: view.local.identity, cause: 'restart' }),
      reason: 'restarts in place',
    };
  }
  return switchover(view, record);
}

function switchover(view: View, record: ClusterRecord): Decision | null {
  const request = record.switchover;
  if (request === null) return null;
  if (request.at !== null && Date.parse(request.at) > view.wallClock) return null;
  const choice =
    request.target === view.self
      ? ({ kind: 'none', reason: `${view.self} is the primary already` } as const)
      : chooseTarget(view, record, request.target);
  if (choice.kind === 'none' || record.paused) {
    const reason = record.paused ? 'the cluster is paused' : choice.kind === 'none' ? choice.reason : '';
    return {
      kind: 'swap-record',
      change: 'withdraw',
      record: { ...record, switchover: null },
      reason: `the switchover is withdrawn: ${reason}`,
    };
  }
  return {
    kind: 'announce-end',
    record: withEnding(record, { target: choice.target, cause: 'switchover' }),
    reason: `switchover to ${choice.target}`,
  };
}

function stopWithoutTarget(cause: string, reason: string): Decision {
  return { kind: 'stop', mode: 'fast', demotion: true, reason: `${cause} without a hand-over: ${reason}` };
}

function openDoor(record: ClusterRecord): Decision {
  return { kind: 'open-door', reason: `epoch ${record.epoch} is settled` };
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
