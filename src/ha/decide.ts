import { type Decision, wait } from './decision.ts';
import { standingIn } from './floor.ts';
import { hung } from './hung.ts';
import { isolated } from './isolation.ts';
import { FRESH_LOOK, isExpired, isReleased } from './lease.ts';
import { permittedUntil } from './permission.ts';
import { leaveRunning } from './planned-end.ts';
import { lead, superseded } from './primary.ts';
import type { ClusterRecord } from './record.ts';
import { repair } from './repair.ts';
import { repairAsPrimary } from './repair-as-primary.ts';
import { lettingReadersIn, standBy } from './standby.ts';
import { isLeftOut, releaseEarly, rest } from './stopped.ts';
import { takeBack } from './take-back.ts';
import { startAgain } from './tasks.ts';
import { elapsed } from './units.ts';
import type { Task, View } from './view.ts';

/** Works during which nothing else is decided: each is bounded, and ends with a changed instance. */
const EXCLUSIVE: readonly Task['kind'][] = [
  'initialize',
  'clone',
  'rewind',
  'start',
  'stop',
  'set-aside',
  'bring-back',
];

/** The one decision of this round. Pure: the same view gives the same decision. */
export function decide(view: View): Decision {
  const takenBack = takeBack(view);
  if (takenBack !== null) return takenBack;
  const busy = view.tasks.find((task) => task.outcome === 'running' && EXCLUSIVE.includes(task.kind));
  if (busy) {
    // What is half-made is made anew; nobody waits for hours of it.
    if (view.wishes.shutdown && (busy.kind === 'clone' || busy.kind === 'initialize')) {
      return { kind: 'exit', leavesPostgres: false, reason: `shutdown: ${busy.kind} is left` };
    }
    if (busy.kind === 'stop') {
      const early = releaseEarly(view);
      if (early !== null) return early;
    }
    return wait(`${busy.kind} is under way`);
  }
  const current = view.record.current?.record ?? null;
  if (current !== null) {
    const standing = standingIn(view, current);
    switch (standing.kind) {
      case 'foreign':
        return foreign(view, standing.why);
      case 'backwards':
        return invalid(
          view,
          `the record went backwards: epoch ${current.epoch} of ${current.primary}, revision ${current.revision}, but ${standing.why}`,
        );
      case 'valid':
        return obey(view, current);
    }
  }
  if (view.record.unreadable !== null && view.local.data === 'empty') return unreadable(view);
  if (view.record.known && view.local.data === 'present') {
    const why = view.record.unreadable === null ? 'is gone' : 'cannot be read';
    return invalid(view, `the cluster record ${why}`);
  }
  return withoutRecord(view);
}

function obey(view: View, record: ClusterRecord): Decision {
  switch (view.local.state) {
    case 'empty':
    case 'stopped':
      return claimIsMine(view, record) ?? rest(view, record);
    case 'standby':
      return leaveRunning(view, record) ?? notBegun(view, record) ?? standBy(view, record);
    case 'primary':
      return leaveRunning(view, record) ?? rule(view, record);
    case 'unknown':
      return hung(view);
    case 'stopping':
      return finishStop(view);
    default:
      return wait(`Postgres is ${view.local.state}`);
  }
}

/** A stop that failed, or that somebody else began, is carried to its end. */
function finishStop(view: View): Decision {
  return (
    startAgain(view, 'stop') ?? {
      kind: 'stop',
      mode: 'kill',
      demotion: true,
      reason: 'Postgres is stopping, and nothing waits for its end',
    }
  );
}

/** A running primary under a valid record. */
function rule(view: View, record: ClusterRecord): Decision {
  if (record.primary !== view.local.identity) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: true,
      reason: `the record names ${record.primary ?? 'nobody'} in epoch ${record.epoch}`,
    };
  }
  if (record.holder === view.hold.holder) return lead(view, record);
  const server = view.local.server;
  if (server === null) return hung(view);
  const superior = superseded(view, record.epoch);
  if (superior !== null) return superior;
  // The agent was restarted under a running primary (maintenance): the same epoch goes on under a new holder.
  if (record.timeline === server.timeline && view.hold.releasedAt === null) {
    return {
      kind: 'swap-record',
      change: 'adopt',
      record: { ...record, holder: view.hold.holder },
      reason: 'this agent took over a running primary',
    };
  }
  return { kind: 'stop', mode: 'fast', demotion: true, reason: 'the Lease is held by another process' };
}

/** initdb is done under a claim: epoch 1 begins, or the claim of a process that is gone is taken over first. */
function claimIsMine(view: View, record: ClusterRecord): Decision | null {
  if (record.systemIdentifier !== '' || view.local.data !== 'present' || view.wishes.shutdown) return null;
  if (record.holder === view.hold.holder) return { kind: 'begin-first-epoch', reason: 'initdb is done' };
  // Data that never followed anybody and belongs to no cluster yet is what initdb made under this claim.
  if (view.local.floor !== null) return null;
  if (!isReleased(record) && !isExpired(record, view.record, view.now)) {
    return wait('the process that ran initdb is gone, and its claim has not expired yet');
  }
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK) {
    return { kind: 'look', reason: 'is the claim still free?' };
  }
  return {
    kind: 'swap-record',
    change: 'bootstrap',
    record: { ...record, holder: view.hold.holder },
    reason: 'this member has run initdb under the claim of a process that is gone',
  };
}

/** What initdb made was started before the API had told that the cluster never began: it begins from a stopped Postgres. */
function notBegun(view: View, record: ClusterRecord): Decision | null {
  if (isLeftOut(view, record))
    return { kind: 'stop', mode: 'fast', demotion: false, reason: 'another member began the cluster' };
  if (record.systemIdentifier !== '' || view.local.floor !== null) return null;
  return { kind: 'stop', mode: 'fast', demotion: false, reason: 'the cluster has not begun yet' };
}

/** A record that no member obeys. A stopped member starts all the same: as a standby that follows nobody. */
function invalid(view: View, why: string): Decision {
  if (view.local.state === 'empty' || view.local.state === 'stopped') {
    return rest(view, null);
  }
  if (view.wishes.shutdown) {
    return { kind: 'stop', mode: 'fast', demotion: view.local.state === 'primary', reason: 'shutdown' };
  }
  if (view.local.state === 'stopping') return finishStop(view);
  const { server } = view.local;
  if (server === null) return hung(view);
  const step = repair(view, why);
  const isIdle = step.kind === 'wait' && view.local.state === 'standby';
  return (isIdle ? lettingReadersIn(view, server) : null) ?? step;
}

/**
 * The record belongs to another cluster than the data: nothing is changed on either side. A primary that held a
 * record of its own goes on within its permission; a standby goes on with what it does.
 */
function foreign(view: View, why: string): Decision {
  const { state, server } = view.local;
  if (view.wishes.shutdown) {
    if (state === 'stopped' || state === 'empty')
      return { kind: 'exit', leavesPostgres: false, reason: 'shutdown' };
    return { kind: 'stop', mode: 'fast', demotion: state === 'primary', reason: 'shutdown' };
  }
  const held = view.record.lastValid;
  if (state === 'primary' && server !== null && held !== null) {
    const lapsed = view.now >= permittedUntil(view, held) && !held.paused;
    if (lapsed && (server.doorOpen || held.settled.acks === 0)) return isolated(view, held, server);
  }
  return {
    kind: 'problem',
    code: 'FOREIGN_CLUSTER',
    remedy:
      'give this member an empty volume to clone into, or point it at its own cluster; if the record is left from a deleted cluster of the same name, delete its Leases',
    reason: why,
  };
}

/** Nobody begins a cluster over what another may have left: those that have data make the record anew. */
function unreadable(view: View): Decision {
  if (view.wishes.shutdown) return { kind: 'exit', leavesPostgres: false, reason: 'shutdown' };
  return {
    kind: 'problem',
    code: 'RECORD_UNREADABLE',
    remedy:
      'members with data repair it; if there are none, undo the edit, or delete the Lease to begin anew',
    reason: 'the cluster record cannot be read, and this member has no data to make it anew from',
  };
}

/** The API has not said anything yet. */
function withoutRecord(view: View): Decision {
  switch (view.local.state) {
    case 'empty':
    case 'stopped':
      return rest(view, null);
    case 'standby':
      if (view.wishes.shutdown) return { kind: 'stop', mode: 'fast', demotion: false, reason: 'shutdown' };
      return (
        (view.local.server === null ? null : lettingReadersIn(view, view.local.server)) ??
        wait('the API has not shown the cluster record yet')
      );
    case 'primary':
      if (view.wishes.shutdown) return { kind: 'stop', mode: 'fast', demotion: true, reason: 'shutdown' };
      if (view.record.lastValid !== null) return repairAsPrimary(view, 'the record is not known');
      return wait('a primary was found running, and the API has not shown the cluster record yet');
    case 'unknown':
      return hung(view);
    default:
      return wait(`Postgres is ${view.local.state}`);
  }
}
