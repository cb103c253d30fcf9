import { invited, takeOver, win } from './candidate.ts';
import { grantedOf } from './choose.ts';
import { firstCohort } from './cohort.ts';
import { type Decision, wait } from './decision.ts';
import { isFenced } from './fenced.ts';
import { remember } from './floor.ts';
import { TAKE_BACK_AFTER } from './handover.ts';
import { hung } from './hung.ts';
import { isReleased } from './lease.ts';
import type { MemberIncarnation } from './member.ts';
import { synchronousStandbyNames } from './quorum.ts';
import type { ClusterRecord } from './record.ts';
import { replaceData, wayBack } from './returning.ts';
import { runningTask, startAgain } from './tasks.ts';
import { elapsed } from './units.ts';
import type { ServerView, View } from './view.ts';

/** A winner's history is usually known so soon after its win, in milliseconds. */
const HISTORY_COMES_WITHIN = 500;

/** The decision of a member whose Postgres runs in recovery, under a valid record. */
export function standBy(view: View, record: ClusterRecord): Decision {
  const server = view.local.server;
  if (server === null) return hung(view);
  return letIn(view, record, server, standOrLead(view, record, server));
}

/**
 * Whoever has nothing better to do opens its door, whether it follows somebody or not: to a closed one libpq says that
 * authentication failed, and tries no further host; at a standby a session that is to write goes on to the next.
 * A candidate, the target of a planned end, and a winner keep theirs closed: they are about to promote.
 */
function letIn(view: View, record: ClusterRecord, server: ServerView, step: Decision): Decision {
  const isIdle = step.kind === 'wait' || (step.kind === 'look' && !view.record.apiReachable);
  if (!isIdle || isTarget(view, record) || view.suspectedSince !== null) return step;
  const holds = record.primary === view.local.identity && record.holder === view.hold.holder;
  if (holds && view.hold.renewing) return step;
  return lettingReadersIn(view, server) ?? step;
}

/**
 * A standby's door says nothing of its epoch. Null where it is open, and where this member is about to promote or does:
 * whoever came in would write in an epoch that is not settled, whatever has become of the record meanwhile.
 */
export function lettingReadersIn(view: View, server: ServerView): Decision | null {
  const isOpen = server.doorOpen && !server.doorInDoubt;
  if (isOpen || server.promoting || view.recruitment !== null) return null;
  if (runningTask(view, 'promote') !== null) return null;
  return { kind: 'open-door', mark: null, reason: 'a standby lets readers in' };
}

function standOrLead(view: View, record: ClusterRecord, server: ServerView): Decision {
  const own = record.primary !== null && record.primary === view.local.identity;
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
    return { kind: 'stop', mode: 'fast', demotion: own, reason: 'it is fenced' };
  }
  if (view.wishes.shutdown) return leave(view, record);
  if (view.wishes.reinitialize && !own) {
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'it is to be made anew' };
  }
  if (view.wishes.restart && !own) {
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'it restarts' };
  }
  if (own) return asPrimary(view, record, server);
  if (view.local.settingsTooLow && view.recruitment === null) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: false,
      reason: 'it restarts: a setting is lower than the primary has it, and replay stands still',
    };
  }
  return (
    takeOver(view, record, server) ?? prepareToLead(view, record, server) ?? follow(view, record, server)
  );
}

/**
 * While the old primary of a planned end still stops, its target does what a promotion begins with: neither a closed
 * door nor strict names mean anything on a standby, and clients wait less.
 */
function prepareToLead(view: View, record: ClusterRecord, server: ServerView): Decision | null {
  const { ending } = record;
  if (!isTarget(view, record) || ending === null || server.promoting) return null;
  const reason = `prepares to take over from ${record.primary} (${ending.cause})`;
  if (server.doorOpen) return { kind: 'close-door', reason };
  const cohort = firstCohort(view, record, []);
  // Empty names would still be in force when a takeover sets others: see the standing rule.
  if (cohort.acks === 0 || server.synchronousStandbyNames === synchronousStandbyNames(cohort)) return null;
  return { kind: 'set-names', cohort, reason };
}

/** A planned end names this member as the next primary. */
function isTarget(view: View, record: ClusterRecord): boolean {
  return record.ending !== null && record.ending.target === view.local.identity;
}

/** The record names this member, but its Postgres is a standby: it promotes, or begins a new epoch. */
function asPrimary(view: View, record: ClusterRecord, server: ServerView): Decision {
  // A win whose outcome was unknown, after a demotion: nothing is renewed for it, so it is won again.
  const isHeld = record.holder === view.hold.holder && view.hold.renewing;
  const wonNow = isHeld && server.timeline !== record.timeline;
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
  return regain(view, record, server);
}

/**
 * It was the primary of the record's epoch and came back as a standby (crash, restart, nobody took over). The last
 * settled primary needs no promises but its own: its WAL holds everything that it acknowledged.
 */
function regain(view: View, record: ClusterRecord, server: ServerView): Decision {
  if (elapsed(view.hold.releasedAt, view.now) < TAKE_BACK_AFTER && invited(view) === null)
    return wait('it released the Lease: others go first');
  const own = record.settled.primary === view.local.identity || record.settled.epoch === 0;
  // Before a rebuilt record was settled, too: all promised to its winner, and nobody has acknowledged anything since.
  const rebuilt = record.settled.primary === null;
  if (!own && !rebuilt)
    return takeOver(view, record, server) ?? wait('it won an epoch that was never settled');
  if (server.receiver !== null || server.follows !== null)
    return { kind: 'unfollow', reason: 'the last settled primary follows nobody' };
  if (!server.atEndOfWal) return wait('it still reads its local WAL');
  return win(view, record, 'own', 'it is the last settled primary: its own promise suffices');
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
    return connect(view, record, record.primary, server);
  }
  const remembered = remember(view, record);
  if (remembered !== null) return remembered;
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
  return wait(`follows ${record.primary} in epoch ${record.epoch}`);
}

/**
 * Turns to a primary, once its history is known to hold all local WAL. A diverged standby must never connect: its
 * receiver reports where its own replay stands, and Postgres would count that as an acknowledgement.
 */
function connect(
  view: View,
  record: ClusterRecord,
  primary: MemberIncarnation,
  server: ServerView,
): Decision {
  const follow: Decision = {
    kind: 'follow',
    primary,
    floor: { epoch: record.epoch, primary, revision: record.revision },
    reason: `${primary} leads epoch ${record.epoch}`,
  };
  // All that it holds came from that primary, or was compared before it connected.
  if (server.follows === primary) return follow;
  if (server.receiver === null && !server.atEndOfWal) return wait('it still reads its local WAL');
  const way = wayBack(view, record);
  if (way.kind === 'follow') return follow;
  const step = replaceData(view, record, way) ?? wait(way.kind === 'unknown' ? way.reason : 'it diverged');
  if (step.kind !== 'wait' || server.follows === null) return step;
  // Nothing streams, and the new history is about to be known: a reload more would only be in the way.
  if (server.receiver === null && elapsed(view.record.changedAt, view.now) < HISTORY_COMES_WITHIN)
    return step;
  return { kind: 'unfollow', reason: `${server.follows} leads no more; ${step.reason}` };
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
  return { kind: 'stop', mode: 'fast', demotion: record.primary === identity, reason: 'shutdown' };
}
