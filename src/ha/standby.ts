import { takeOver } from './candidate.ts';
import { grantedOf } from './choose.ts';
import { firstCohort } from './cohort.ts';
import { type Decision, wait } from './decision.ts';
import { isFenced } from './fenced.ts';
import { TAKE_BACK_AFTER } from './handover.ts';
import { FRESH_LOOK, isReleased } from './lease.ts';
import type { ClusterRecord } from './record.ts';
import { replaceData, wayBack } from './returning.ts';
import { runningTask, startAgain } from './tasks.ts';
import { won } from './transitions.ts';
import { elapsed, epoch } from './units.ts';
import type { ServerView, View } from './view.ts';

/** The decision of a member whose Postgres runs in recovery, under a valid record. */
export function standBy(view: View, record: ClusterRecord): Decision {
  const server = view.local.server;
  if (server === null) return wait('Postgres does not answer yet');
  const promotion = runningTask(view, 'promote');
  if (
    promotion !== null &&
    (record.primary !== view.local.identity || promotion.of !== String(record.epoch))
  ) {
    return {
      kind: 'stop',
      mode: 'kill',
      demotion: true,
      reason: `the record moved to epoch ${record.epoch} during the promotion`,
    };
  }
  if (isFenced(record.fenced, view.self)) {
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'it is fenced' };
  }
  if (view.wishes.shutdown) return leave(view, record);
  if (view.wishes.reinitialize && record.primary !== view.local.identity) {
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'it is to be made anew' };
  }
  if (view.wishes.restart && record.primary !== view.local.identity) {
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'it restarts' };
  }
  if (record.primary !== null && record.primary === view.local.identity)
    return asPrimary(view, record, server);
  return takeOver(view, record, server) ?? follow(view, record, server);
}

/** The record names this member, but its Postgres is a standby: it promotes, or begins a new epoch. */
function asPrimary(view: View, record: ClusterRecord, server: ServerView): Decision {
  const wonNow = record.holder === view.hold.holder && server.timeline !== record.timeline;
  if (server.promoting || runningTask(view, 'promote') !== null) return wait('the promotion is under way');
  if (wonNow && record.settled.epoch < record.epoch && view.local.promise <= record.epoch) {
    const promised =
      view.recruitment === null ? [] : grantedOf(view.recruitment).map((answer) => answer.identity);
    return (
      startAgain(view, 'promote') ?? {
        kind: 'promote',
        epoch: record.epoch,
        timeline: record.timeline,
        cohort: firstCohort(view, record, promised),
        reason: `won epoch ${record.epoch}`,
      }
    );
  }
  if (view.wishes.shutdown) return leave(view, record);
  return regain(view, record, server);
}

/**
 * It was the primary of the record's epoch and came back as a standby (crash, restart, nobody took over). The last
 * settled primary needs no promises but its own: its WAL holds everything that it acknowledged.
 */
function regain(view: View, record: ClusterRecord, server: ServerView): Decision {
  if (elapsed(view.hold.releasedAt, view.now) < TAKE_BACK_AFTER)
    return wait('it released the Lease: others go first');
  const own = record.settled.primary === view.local.identity || record.settled.epoch === 0;
  if (!own) return takeOver(view, record, server) ?? wait('it won an epoch that was never settled');
  if (server.receiver !== null)
    return { kind: 'unfollow', reason: 'the last settled primary follows nobody' };
  if (!server.atEndOfWal) return wait('it still reads its local WAL');
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK)
    return { kind: 'look', reason: 'a direct GET precedes a win' };
  if (view.local.identity === null) return wait('it has no identity');
  let highest = Math.max(record.epoch + 1, view.local.promise);
  for (const { state } of view.peers) {
    if (state?.clusterUID === record.clusterUID) highest = Math.max(highest, state.promise);
  }
  return {
    kind: 'win',
    proof: 'own',
    record: won(record, {
      primary: view.local.identity,
      holder: view.hold.holder,
      epoch: epoch(highest),
      leaseDuration: view.settings.leaseDuration,
    }),
    resourceVersion: view.record.current?.resourceVersion ?? null,
    reason: 'it is the last settled primary: its own promise suffices',
  };
}

/** Streams from the record's primary, or goes back to its history. */
function follow(view: View, record: ClusterRecord, server: ServerView): Decision {
  if (record.primary === null) return wait('the record names no primary');
  if (record.epoch < view.local.promise) {
    return wait(`it promised epoch ${view.local.promise} and waits for a record that reaches it`);
  }
  const floor = view.local.floor;
  if (floor === null || floor.epoch < record.epoch || server.follows !== record.primary) {
    if (isReleased(record) && server.follows !== record.primary) return wait('the Lease is released');
    return {
      kind: 'follow',
      primary: record.primary,
      floor: { epoch: record.epoch, primary: record.primary },
      reason: `${record.primary} leads epoch ${record.epoch}`,
    };
  }
  if (server.receiver?.streaming !== true && server.atEndOfWal) {
    const way = wayBack(view, record);
    const replacement = replaceData(view, record, way);
    if (replacement !== null) return replacement;
    if (view.local.walRemoved && way.kind === 'follow' && record.settled.epoch === record.epoch) {
      return {
        kind: 'clone',
        from: record.primary,
        reason: `${record.primary} no longer has the WAL that it needs`,
      };
    }
  }
  if (!server.doorOpen) return { kind: 'open-door', reason: 'a standby lets readers in' };
  return wait(`follows ${record.primary} in epoch ${record.epoch}`);
}

/** A standby that stops: the primary takes it out of the cohort first, so that no commit waits for it. */
function leave(view: View, record: ClusterRecord): Decision {
  const identity = view.local.identity;
  const counted = identity !== null && record.settled.cohort.includes(identity);
  const spare = record.settled.cohort.length > record.settled.acks;
  const waited = elapsed(view.wishes.shutdownSince, view.now);
  if (counted && spare && waited < TAKE_BACK_AFTER && record.primary !== identity && !isReleased(record)) {
    return wait('it ends: the primary takes it out of the cohort first');
  }
  return { kind: 'stop', mode: 'fast', demotion: false, reason: 'shutdown' };
}
