import type { Decision } from './decision.ts';
import { isFenced } from './fenced.ts';
import { chooseTarget, TAKE_BACK_AFTER } from './handover.ts';
import type { ClusterRecord } from './record.ts';
import { runningTask } from './tasks.ts';
import { withEnding } from './transitions.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/** How long a shutdown tries to announce its hand-over, in milliseconds. */
const ANNOUNCE_WITHIN = 3 * TAKE_BACK_AFTER;

/** A planned end goes by a checkpoint that began so lately, in milliseconds. */
const CHECKPOINT_FRESH = 45_000;

type Announcement = Extract<Decision, { kind: 'announce-end' }>;

/**
 * CHECKPOINT while still serving, as a work beside the loop: what is written by then is not waited for in the fast
 * shutdown. Then the announcement, also where the checkpoint failed. Null: it is under way, and nothing waits for it.
 */
export function announce(view: View, announcement: Announcement): Decision | null {
  const checkpoint = view.tasks.find(({ kind }) => kind === 'checkpoint');
  if (checkpoint?.outcome === 'running') return null;
  if (checkpoint !== undefined && elapsed(checkpoint.startedAt, view.now) < CHECKPOINT_FRESH)
    return announcement;
  return { kind: 'checkpoint', reason: `${announcement.reason}, after a checkpoint` };
}

/** Nobody can be handed an epoch that is not settled: a member that must go just stops. */
export function leaveUnsettled(view: View, record: ClusterRecord): Decision | null {
  if (view.wishes.shutdown) return stopWithoutTarget('shutdown', `epoch ${record.epoch} is not settled`);
  if (isFenced(record.fenced, view.self))
    return stopWithoutTarget('fence', `epoch ${record.epoch} is not settled`);
  return null;
}

/** The end of an agent under a pause: Postgres goes on for the next one, where it can outlive this one. */
export function leaveRunning(view: View, record: ClusterRecord): Decision | null {
  if (!view.wishes.shutdown || !view.wishes.mayLeavePostgres || !record.paused) return null;
  if (record.ending !== null || isFenced(record.fenced, view.self)) return null;
  return {
    kind: 'exit',
    leavesPostgres: true,
    reason: 'shutdown: the cluster is paused, and Postgres goes on for the next agent',
  };
}

/** Ends that wait for nothing: one that was announced, a shutdown, a fence. */
export function leave(view: View, record: ClusterRecord): Decision | null {
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
  if (waited > ANNOUNCE_WITHIN && runningTask(view, 'checkpoint') === null)
    return stopWithoutTarget(cause, 'the hand-over could not be announced');
  const choice = chooseTarget(view, record, null);
  if (choice.kind === 'none') return stopWithoutTarget(cause, choice.reason);
  return announce(view, {
    kind: 'announce-end',
    record: withEnding(record, { target: choice.target, cause }),
    reason: `${cause}: hands over to ${choice.target}`,
  });
}

/** What people asked for: a restart, a switchover. */
export function comply(view: View, record: ClusterRecord): Decision | null {
  if (!view.record.apiReachable) return null;
  if (view.wishes.restart && view.local.identity !== null) {
    return announce(view, {
      kind: 'announce-end',
      record: withEnding(record, { target: view.local.identity, cause: 'restart' }),
      reason: 'restarts in place',
    });
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
  return announce(view, {
    kind: 'announce-end',
    record: withEnding(record, { target: choice.target, cause: 'switchover' }),
    reason: `switchover to ${choice.target}`,
  });
}

function stopWithoutTarget(cause: string, reason: string): Decision {
  return { kind: 'stop', mode: 'fast', demotion: true, reason: `${cause} without a hand-over: ${reason}` };
}
