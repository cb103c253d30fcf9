import { bootstrap, isClaim } from './bootstrap.ts';
import { type Decision, wait } from './decision.ts';
import { isFenced } from './fenced.ts';
import { standingIn } from './floor.ts';
import { TAKE_BACK_AFTER, targetHasAll } from './handover.ts';
import { identityOf } from './identity-of.ts';
import { isReleased } from './lease.ts';
import { LSN_ZERO } from './lsn.ts';
import type { ClusterRecord } from './record.ts';
import { restartInPlace } from './restart-in-place.ts';
import { mayReplace, primaryState, replaceData, wayBack } from './returning.ts';
import { runningTask, startAgain } from './tasks.ts';
import { released } from './transitions.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/** How long (milliseconds) a primary that released stays down at most while its successor begins. */
const SUCCESSOR_BEGINS_WITHIN = 1_000;

/** The decision of a member whose Postgres does not run. `record`: a valid one, or null. */
export function rest(view: View, record: ClusterRecord | null): Decision {
  const { local } = view;
  if (!local.provenDead) {
    return { kind: 'stop', mode: 'kill', demotion: true, reason: 'processes of this directory are left' };
  }
  if (record !== null && record.primary !== null && record.primary === local.identity) {
    const own = cameDown(view, record);
    if (own !== null) return own;
  }
  if (view.wishes.shutdown) return { kind: 'exit', leavesPostgres: false, reason: 'Postgres is stopped' };
  if (record !== null && isFenced(record.fenced, view.self)) return wait('it is fenced: Postgres stays down');
  if (local.data === 'empty') return bootstrap(view, record);
  if (local.data === 'broken') {
    if (record === null) return wait('its data is half-made, and there is no record to clone by');
    return isClaim(record) ? bootstrap(view, record) : remake(view, record);
  }
  if (record === null) return start(view, 'local WAL is read while the record is awaited');
  if (isLeftOut(view, record)) return remake(view, record);
  if (view.wishes.reinitialize && record.primary !== local.identity) return remake(view, record);
  if (isFirstStart(view, record)) {
    return (
      startAgain(view, 'start') ?? {
        kind: 'start-primary',
        cohort: { members: [], acks: 0 },
        reason: 'a freshly initialised cluster begins',
      }
    );
  }
  // Towards an unsettled primary it starts first: only its running server tells which epochs its WAL marks as settled.
  const isSettled = record.settled.epoch === record.epoch;
  if (isSettled && local.endOfWal !== LSN_ZERO && record.primary !== local.identity) {
    const way = wayBack(view, record);
    if (way.kind === 'rewind' || way.kind === 'clone') {
      const replacement = replaceData(view, record, way);
      if (replacement !== null && replacement.kind !== 'wait')
        return startAgain(view, 'rewind') ?? replacement;
      if (replacement !== null) return replacement;
    }
  }
  if (letsSuccessorBegin(view, record)) return wait('its successor begins first');
  return start(view, 'a member always starts as a standby that follows nobody');
}

/**
 * It has just released the Lease, and others are enough to elect and to settle without it: its start would take
 * machine time from them, and clients that come by its address would wait for a standby instead of being refused.
 */
function letsSuccessorBegin(view: View, record: ClusterRecord): boolean {
  const { releasedAt } = view.hold;
  if (releasedAt === null || elapsed(releasedAt, view.now) >= SUCCESSOR_BEGINS_WITHIN) return false;
  if (primaryState(view, record)?.open === true && !isReleased(record)) return false;
  const { cohort, acks } = record.settled;
  const streaming = cohort.filter((identity) =>
    view.peers.some(
      ({ state, last }) =>
        last === 'answered' &&
        identityOf(state) === identity &&
        state?.state !== 'stopped' &&
        state?.state !== 'empty',
    ),
  );
  // To recruit, and, the winner not counted, to settle.
  return streaming.length >= cohort.length - acks + 1 && streaming.length > acks;
}

function start(view: View, reason: string): Decision {
  return startAgain(view, 'start') ?? { kind: 'start-standby', reason };
}

/** Bootstrap: the record begins epoch 1 with this member, and it never led or followed before. */
function isFirstStart(view: View, record: ClusterRecord): boolean {
  return (
    record.settled.epoch === 0 &&
    record.primary === view.local.identity &&
    record.holder === view.hold.holder &&
    view.local.floor === null
  );
}

/**
 * Restored from an archive to begin a cluster that another member has begun meanwhile. Its system identifier and
 * timeline may be the very same, and its history is not: it is never followed with, only cloned over.
 */
export function isLeftOut(view: View, record: ClusterRecord): boolean {
  return view.local.inherited !== null && !isClaim(record) && record.primary !== view.local.identity;
}

/** A data directory that may only be cloned. */
function remake(view: View, record: ClusterRecord): Decision {
  if (record.primary === null || record.primary === view.local.identity) {
    return wait('there is no other primary to clone from');
  }
  const state = primaryState(view, record);
  if (state === null || state.state !== 'primary' || !state.serving) {
    return wait(`a clone waits for ${record.primary} to serve`);
  }
  const permission = mayReplace(view, record, view.wishes.reinitialize);
  if (!permission.may) {
    return permission.reason === 'look'
      ? { kind: 'look', reason: 'the record is read before data is replaced' }
      : wait(`a clone waits: ${permission.reason}`);
  }
  return (
    startAgain(view, 'clone') ?? {
      kind: 'clone',
      from: record.primary,
      reason: reasonToClone(view, record),
    }
  );
}

function reasonToClone(view: View, record: ClusterRecord): string {
  if (view.local.data === 'broken') return 'its data is half-made';
  return isLeftOut(view, record) ? 'another member began the cluster' : 'it is to be made anew';
}

/**
 * A planned end whose shutdown checkpoint is in the control file, and flushed by the target: no backend is left that
 * could write (postmaster.c: the checkpointer writes it after the last of them), so the Lease is released while
 * walsenders and the postmaster still end.
 */
export function releaseEarly(view: View): Decision | null {
  const record = view.record.current?.record ?? null;
  const { control, identity } = view.local;
  if (record === null || record.primary === null || record.primary !== identity) return null;
  if (record.holder !== view.hold.holder || record.ending === null || record.ending.target === identity)
    return null;
  if (standingIn(view, record).kind !== 'valid') return null;
  if (control?.state !== 'shut down' || control.shutdownEndLsn === null) return null;
  if (!targetHasAll(view, record, record.ending.target, control.shutdownEndLsn)) return null;
  return {
    kind: 'release',
    record: released(record),
    reason: `${record.ending.target} holds everything up to ${control.shutdownEndLsn}`,
  };
}

/** The record still names this member, whose Postgres is down: hand over, release, or start again. */
function cameDown(view: View, record: ClusterRecord): Decision | null {
  if (record.holder !== view.hold.holder) {
    if (!view.wishes.shutdown) return null;
    const waited = elapsed(view.hold.releasedAt, view.now);
    if (isReleased(record) && view.hold.releasedAt !== null && waited < TAKE_BACK_AFTER && hasOthers(view)) {
      return wait('it released the Lease and sees that somebody takes over');
    }
    return null;
  }
  if (record.settled.epoch === 0) return null;
  const since = elapsed(view.hold.stoppedAt, view.now);
  const { ending } = record;
  if (ending !== null && ending.target !== view.local.identity) {
    const end = view.local.control?.shutdownEndLsn ?? null;
    if (end !== null && targetHasAll(view, record, ending.target, end)) {
      return {
        kind: 'release',
        record: released(record),
        reason: `${ending.target} holds everything up to ${end}`,
      };
    }
    if (since < TAKE_BACK_AFTER && end !== null) return wait(`${ending.target} has not flushed ${end} yet`);
    // A fenced member would only be stopped again: what the target lacks was acknowledged to nobody.
    if (view.wishes.shutdown || isFenced(record.fenced, view.self)) {
      return {
        kind: 'release',
        record: released({ ...record, ending: null }),
        reason: `${ending.target} did not get everything`,
      };
    }
    return start(view, `${ending.target} did not get everything: the Lease is taken back`);
  }
  if (ending !== null && view.wishes.shutdown) return releaseAlone(record);
  const again = restartInPlace(view, record);
  if (again !== null) return again;
  if (view.wishes.shutdown || isFenced(record.fenced, view.self)) return releaseAlone(record);
  if (ending !== null) return start(view, 'it restarts in place');
  if (record.paused) return start(view, 'the cluster is paused: the primary stays');
  if (someoneCanTakeOver(view, record)) {
    return {
      kind: 'release',
      record: released(record),
      reason: 'Postgres is proven dead, and others can take over',
    };
  }
  return start(view, 'nobody else can take over');
}

function releaseAlone(record: ClusterRecord): Decision {
  return { kind: 'release', record: released(record), reason: 'Postgres is proven dead' };
}

function hasOthers(view: View): boolean {
  return view.peers.some((peer) => peer.last === 'answered' && peer.state?.state === 'standby');
}

/** A member of the settled cohort runs a standby and may lead. */
function someoneCanTakeOver(view: View, record: ClusterRecord): boolean {
  return (
    view.peers.some(({ member, state, answeredAt }) => {
      const identity = identityOf(state);
      if (state === null || identity === null || state.tags.nofailover || state.ending) return false;
      if (state.state !== 'standby' || elapsed(answeredAt, view.now) > 2 * view.settings.suspectAfter)
        return false;
      return record.settled.cohort.includes(identity) && !isFenced(record.fenced, member);
    }) && runningTask(view, 'stop') === null
  );
}
