import { type Decision, wait } from './decision.ts';
import { ageOf, isNewer, standingIn } from './floor.ts';
import { FRESH_LOOK, isExpired } from './lease.ts';
import type { MemberName } from './member.ts';
import type { ClusterRecord, RecoveryOperation } from './record.ts';
import { abandoned, claimRecovered } from './recovery.ts';
import { runningTask, startAgain } from './tasks.ts';
import { elapsed } from './units.ts';
import type { Kept, View } from './view.ts';

/** An answer older than this (milliseconds) does not prove where a member's data is. */
const FRESH_ANSWER = 3_000;
/** For how many lease durations a member that answers is left to go on with the operation. */
const PATIENCE = 3;

/**
 * The rules of a recovery in place, before all others: while the data of all is on its way aside or back, nothing else
 * is decided. Null: there is no recovery, or its state lets the other rules decide (a claim is a claim).
 */
export function takeBack(view: View): Decision | null {
  const record = view.record.current?.record ?? null;
  const { kept } = view.local;
  if (record === null || (record.recovery === undefined && kept === null)) return null;
  if (runningTask(view, 'set-aside') !== null || runningTask(view, 'bring-back') !== null)
    return wait('data is on its way aside, or back');
  const operation = record.recovery;
  if (operation === undefined) return kept === null ? null : afterwards(view, record, kept);
  // One that was seen to be over: what it asked for must not happen twice.
  const { floor } = view.local;
  if (isNewer(view.record.seen, ageOf(record)) || (floor !== null && floor.epoch > record.epoch)) return null;
  switch (operation.state) {
    case 'stopping':
      return setAside(view, record, operation);
    case 'abandoning':
      return bringBack(view, record, operation);
    case 'recovering':
    case 'serving':
      return null;
  }
}

function setAside(view: View, record: ClusterRecord, operation: RecoveryOperation): Decision | null {
  const { local } = view;
  const { kept } = local;
  if (standingIn(view, record).kind !== 'valid') return null;
  if (kept?.id === operation.id && kept.phase === 'aside' && local.data === 'empty')
    return whenAllAre(view, record, operation, 'aside', () => ({
      kind: 'swap-record',
      change: 'recover',
      record: claimRecovered(record, operation, {
        member: view.self,
        holder: view.hold.holder,
        leaseDuration: view.settings.leaseDuration,
      }),
      reason: `everybody's data is set aside: ${view.self} recovers the cluster`,
    }));
  const step = stopped(view);
  if (step !== null) return step;
  if (kept !== null && kept.id !== operation.id) return makeRoom(view, record, kept);
  return (
    startAgain(view, 'set-aside') ?? {
      kind: 'set-aside',
      id: operation.id,
      generation: record.generation,
      reason: `the cluster goes back in time (${operation.id}): its data is set aside`,
    }
  );
}

/** Of another operation: empty by now, or confirmed; anything else a person must look at. */
function makeRoom(view: View, record: ClusterRecord, kept: Kept): Decision {
  if (kept.phase === 'back' || record.confirmed === kept.id)
    return (
      startAgain(view, 'drop-kept') ?? {
        kind: 'drop-kept',
        id: kept.id,
        reason: `what was set aside for ${kept.id} goes`,
      }
    );
  return leftOver(kept);
}

function bringBack(view: View, record: ClusterRecord, operation: RecoveryOperation): Decision | null {
  const { local } = view;
  const { kept } = local;
  const next = record.generation + 1;
  const step = stopped(view);
  if (kept?.id === operation.id && kept.phase === 'back') {
    // Data of another life than what came back: this record is of the past.
    if (local.data !== 'empty' && local.generation !== null && local.generation !== next) return null;
    return (
      step ??
      whenAllAre(view, record, operation, 'back', () => ({
        kind: 'swap-record',
        change: 'abandon',
        record: abandoned(record, operation),
        reason: "everybody's data is back: the cluster goes on as it was",
      }))
    );
  }
  const isKept = kept?.id === operation.id;
  const { before } = operation;
  // What goes is of the life that is abandoned, or of none yet; nothing else is touched.
  if (local.data !== 'empty' && local.generation !== null) {
    if (local.generation !== before.generation && local.generation !== before.generation + 1) return null;
    if (standingIn(view, record).kind === 'backwards') return null;
  }
  if (step !== null) return step;
  if (kept !== null && !isKept) return makeRoom(view, record, kept);
  // Two directories of one life: which of them is the member's, only a person can know.
  if (isKept && local.data !== 'empty' && local.generation === before.generation) return leftOver(kept);
  return (
    startAgain(view, 'bring-back') ?? {
      kind: 'bring-back',
      id: operation.id,
      generation: next,
      inPlace: kept === null && local.data !== 'empty' && local.generation === before.generation,
      reason: `the recovery ${operation.id} is abandoned: what was set aside comes back`,
    }
  );
}

/** The way to a Postgres that is proven down; null: it is. A work that cannot be cut off is waited for. */
function stopped(view: View): Decision | null {
  const { local } = view;
  const busy = (['start', 'stop', 'rewind', 'drop-kept'] as const).find(
    (kind) => runningTask(view, kind) !== null,
  );
  if (busy !== undefined) return wait(`${busy} is under way`);
  const halfMade = runningTask(view, 'clone') ?? runningTask(view, 'initialize');
  if (halfMade !== null) return null;
  if (local.state !== 'empty' && local.state !== 'stopped')
    return (
      startAgain(view, 'stop') ?? {
        kind: 'stop',
        mode: 'fast',
        demotion: true,
        reason: 'the whole cluster goes back in time',
      }
    );
  if (!local.provenDead)
    return (
      startAgain(view, 'stop') ?? {
        kind: 'stop',
        mode: 'kill',
        demotion: true,
        reason: 'processes of this directory are left',
      }
    );
  return null;
}

/**
 * This member's part is done. The operation goes on when every expected member says the same: it is `by` that moves it,
 * or another when that one has gone silent and its Lease has run out. A swap of both at once is decided by the swap.
 */
function whenAllAre(
  view: View,
  record: ClusterRecord,
  { id, by }: RecoveryOperation,
  phase: 'aside' | 'back',
  move: () => Decision,
): Decision {
  if (view.wishes.shutdown)
    return { kind: 'exit', leavesPostgres: false, reason: `shutdown: its data is ${phase}` };
  const missing = view.settings.expectedMembers.find(
    (member) => member !== view.self && !says(view, member, id, phase),
  );
  if (missing !== undefined)
    return wait(`${missing} has not said yet that its data is ${phase} for ${id}: everybody must`);
  if (by !== view.self && !isStalled(view, record, by))
    return wait(`everybody's data is ${phase}: ${by} goes on`);
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK)
    return { kind: 'look', reason: `everybody's data is ${phase}: is ${id} still wanted?` };
  return move();
}

function says(view: View, member: MemberName, id: string, phase: 'aside' | 'back'): boolean {
  const peer = view.peers.find((one) => one.member === member);
  if (peer?.state == null || elapsed(peer.answeredAt, view.now) > FRESH_ANSWER) return false;
  const { kept, state } = peer.state;
  if (kept?.id !== id || kept.phase !== phase) return false;
  return phase === 'aside' ? state === 'empty' : state === 'empty' || state === 'stopped';
}

/** `by` had its time: it is silent for a whole Lease, or answers and has not come to it for several. */
function isStalled(view: View, record: ClusterRecord, by: MemberName): boolean {
  if (!isExpired(record, view.record, view.now)) return false;
  const peer = view.peers.find((one) => one.member === by);
  const answers = peer !== undefined && elapsed(peer.answeredAt, view.now) <= FRESH_ANSWER;
  return !answers || elapsed(view.record.changedAt, view.now) >= PATIENCE * record.leaseDuration;
}

/**
 * The record tells of no recovery, and something is kept: it goes once a person has confirmed, or nothing is in it. A
 * record that was lost and made anew tells of neither: then it stays.
 */
function afterwards(view: View, record: ClusterRecord, kept: Kept): Decision | null {
  const { local } = view;
  if (standingIn(view, record).kind !== 'valid' || record.generation <= kept.generation)
    return local.data === 'empty' && kept.phase === 'aside' ? leftOver(kept) : null;
  if (kept.phase !== 'back' && record.confirmed !== kept.id) return null;
  const isIdle = view.tasks.every(({ outcome }) => outcome !== 'running') && view.recruitment === null;
  if (!isIdle || (local.state !== 'standby' && local.state !== 'primary')) return null;
  if (startAgain(view, 'drop-kept') !== null) return null;
  return { kind: 'drop-kept', id: kept.id, reason: `what was set aside for ${kept.id} goes` };
}

function leftOver(kept: Kept): Decision {
  return {
    kind: 'problem',
    code: 'RECOVERY_LEFT_OVER',
    remedy: `see "The record was lost in a recovery in place" in docs/recovery.md: kept/${kept.id} on this volume is this member's old data`,
    reason: `this member keeps data for the recovery ${kept.id}, and the cluster record tells of no such recovery`,
  };
}
