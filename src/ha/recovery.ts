import type { MemberName } from './member.ts';
import type { ClusterRecord, RecoveryGoal, RecoveryOperation, RecoveryPause } from './record.ts';
import { claimBootstrap } from './transitions.ts';
import { epoch, type Millis, timelineId } from './units.ts';

/** Nobody's Postgres runs, whatever else is true: the data of all is on its way aside, or back. */
export function isHalted({ recovery }: ClusterRecord): boolean {
  return recovery !== undefined && (recovery.state === 'stopping' || recovery.state === 'abandoning');
}

/** What a person asked for: from here on every member stops and sets its data aside. */
export function beginRecovery(
  record: ClusterRecord,
  wish: Omit<RecoveryOperation, 'state' | 'paused' | 'before'>,
): ClusterRecord {
  const { generation, systemIdentifier, settled, highestTimeline, flushLsn, history } = record;
  return {
    ...record,
    revision: record.revision + 1,
    ending: null,
    paused: false,
    switchover: null,
    recovery: {
      ...wish,
      state: 'stopping',
      paused: null,
      before: { generation, systemIdentifier, settled, highestTimeline, flushLsn, history },
    },
  };
}

/**
 * Nobody has data any more: `by` claims the cluster's next life, as at the beginning of any cluster. No incarnation of
 * before is in its (empty) cohort, and its first epoch will be above every one before.
 */
export function claimRecovered(
  record: ClusterRecord,
  operation: RecoveryOperation,
  claimant: { readonly member: MemberName; readonly holder: string; readonly leaseDuration: Millis },
): ClusterRecord {
  return {
    ...claimBootstrap(claimant.holder, null, record.clusterUID, claimant.leaseDuration),
    generation: operation.before.generation + 1,
    epoch: record.epoch,
    revision: record.revision + 1,
    highestTimeline: timelineId(Math.max(record.highestTimeline, operation.before.highestTimeline)),
    ...(record.confirmed === undefined ? {} : { confirmed: record.confirmed }),
    recovery: { ...operation, state: 'recovering', by: claimant.member, paused: null },
  };
}

/** It has come to its goal, and stands there. Null: it is not to (any more), or another recovers by now. */
export function pauseRecovery(
  record: ClusterRecord,
  { id, goal }: RecoveryOperation,
  by: MemberName,
  paused: RecoveryPause,
): ClusterRecord | null {
  const { recovery } = record;
  if (recovery?.id !== id || recovery.state !== 'recovering' || recovery.by !== by) return null;
  if (!recovery.pauses || !isSameGoal(recovery.goal, goal)) return null;
  if (recovery.paused?.socketDirectory === paused.socketDirectory) return null;
  return { ...record, revision: record.revision + 1, recovery: { ...recovery, paused } };
}

/** A person looked: it is to be promoted, or (`goal`) to go on to another goal, and to stand still there. */
export function resumeRecovery(
  record: ClusterRecord,
  operation: RecoveryOperation,
  goal: RecoveryGoal | null,
): ClusterRecord {
  const next = goal === null ? { pauses: false } : { goal };
  return {
    ...record,
    revision: record.revision + 1,
    recovery: { ...operation, ...next, paused: null },
  };
}

export function isSameGoal(a: RecoveryGoal, b: RecoveryGoal): boolean {
  return a.kind === b.kind && a.value === b.value && a.exclusive === b.exclusive;
}

/** A person looked, and it is to stay: what members keep may go. */
export function confirmRecovery(record: ClusterRecord, operation: RecoveryOperation): ClusterRecord {
  const { recovery: _, ...rest } = record;
  return { ...rest, revision: record.revision + 1, confirmed: operation.id };
}

/** It is not to stay: from here on every member stops, and brings back what it set aside. */
export function abandonRecovery(
  record: ClusterRecord,
  operation: RecoveryOperation,
  by: MemberName,
): ClusterRecord {
  return {
    ...record,
    revision: record.revision + 1,
    ending: null,
    paused: false,
    switchover: null,
    recovery: { ...operation, state: 'abandoning', by, paused: null },
  };
}

/**
 * Everybody's old data is back: a cluster whose members were all restarted, and whose last settled primary released.
 * The epoch goes up, since a floor of before names that epoch's own primary; the generation too, so that nothing of the
 * abandoned life counts in this one.
 */
export function abandoned(record: ClusterRecord, operation: RecoveryOperation): ClusterRecord {
  const { recovery: _, ...rest } = record;
  const { settled, systemIdentifier, flushLsn, history, highestTimeline } = operation.before;
  return {
    ...rest,
    generation: record.generation + 1,
    systemIdentifier,
    epoch: epoch(record.epoch + 1),
    revision: record.revision + 1,
    holder: '',
    primary: settled.primary,
    timeline: settled.timeline,
    highestTimeline: timelineId(Math.max(highestTimeline, record.highestTimeline)),
    settled,
    ending: null,
    paused: false,
    flushLsn,
    switchover: null,
    history,
  };
}
