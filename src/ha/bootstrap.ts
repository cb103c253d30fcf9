import { type Decision, wait } from './decision.ts';
import { FRESH_LOOK, isExpired, isReleased } from './lease.ts';
import type { MemberName } from './member.ts';
import type { ClusterRecord } from './record.ts';
import { mayReplace, primaryState } from './returning.ts';
import { startAgain } from './tasks.ts';
import { claimBootstrap } from './transitions.ts';
import { elapsed } from './units.ts';
import type { View } from './view.ts';

/** An answer older than this (milliseconds) does not prove that a member is still empty. */
const FRESH_ANSWER = 3_000;

/** The decision of a member without data. `record`: valid, or null (absent or not known). */
export function bootstrap(view: View, record: ClusterRecord | null): Decision {
  if (!view.record.known) return wait('the API has not said yet whether there is a cluster record');
  if (record === null) return claim(view);
  return isBeginning(record) && !isLed(view, record) ? firstData(view, record) : join(view, record);
}

/** A member said that it begins the cluster; it has no data yet. */
export function isClaim(record: ClusterRecord): boolean {
  return isBeginning(record) && record.systemIdentifier === '';
}

/**
 * No epoch was ever settled: nothing was ever acknowledged. (A record that was rebuilt after its loss has no settled
 * epoch either, but a cohort.)
 */
function isBeginning(record: ClusterRecord): boolean {
  return record.settled.epoch === 0 && record.settled.cohort.length === 0;
}

function isLed(view: View, record: ClusterRecord): boolean {
  return primaryState(view, record)?.state === 'primary';
}

/** No record: initdb happens only where every expected member says that it has no data. */
function claim(view: View): Decision {
  const keeper = keeperOf(view);
  if (keeper !== null) {
    return {
      kind: 'problem',
      code: 'RECORD_LOST_IN_RECOVERY',
      remedy:
        'see "The record was lost in a recovery in place" in docs/recovery.md: the old data is there, set aside',
      reason: `there is no record, and ${keeper} keeps data that a recovery in place set aside`,
    };
  }
  const silent = unproven(view);
  if (silent !== null) return wait(silent);
  if (view.settings.expectedMembers[0] !== view.self)
    return wait(`${view.settings.expectedMembers[0]} begins the cluster`);
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK)
    return { kind: 'look', reason: 'is there a record?' };
  return {
    kind: 'create-record',
    // The identity is made by initdb, and the cluster UID by the caller.
    record: claimBootstrap(view.hold.holder, null, '', view.settings.leaseDuration),
    reason: 'there is no record, and no expected member has data',
  };
}

/** The record is a claim, or an epoch that never settled: nothing was ever acknowledged. */
function firstData(view: View, record: ClusterRecord): Decision {
  if (record.holder === view.hold.holder && record.systemIdentifier === '') {
    return startAgain(view, 'initialize') ?? { kind: 'initialize', reason: 'this member begins the cluster' };
  }
  const free = isReleased(record) || isExpired(record, view.record, view.now);
  if (!free) return wait('another member begins the cluster');
  const silent = unproven(view);
  if (silent !== null) return wait(silent);
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK)
    return { kind: 'look', reason: 'is the claim still free?' };
  return {
    kind: 'swap-record',
    change: 'bootstrap',
    record: {
      ...claimBootstrap(view.hold.holder, null, record.clusterUID, view.settings.leaseDuration),
      epoch: record.epoch,
      revision: record.revision,
      highestTimeline: record.highestTimeline,
      ...carriedOn(record, view.self),
    },
    reason: 'the member that began the cluster is gone, and nobody has data',
  };
}

/** A claim under a recovery in place stays one. */
function carriedOn(record: ClusterRecord, by: MemberName): Partial<ClusterRecord> {
  if (record.recovery === undefined) return {};
  const { generation, recovery, confirmed } = record;
  return { generation, recovery: { ...recovery, by }, ...(confirmed === undefined ? {} : { confirmed }) };
}

/** Who keeps data that was set aside: without a record nobody begins a new cluster beside it. */
function keeperOf(view: View): MemberName | null {
  if (view.local.kept !== null && view.local.kept.phase !== 'back') return view.self;
  const keeper = view.peers.find(({ state }) => state?.kept != null && state.kept.phase !== 'back');
  return keeper?.member ?? null;
}

/** There is a cluster: its primary is cloned. */
function join(view: View, record: ClusterRecord): Decision {
  if (record.primary === null) return wait('the record names no primary to clone');
  const state = primaryState(view, record);
  if (state === null || state.state !== 'primary' || !state.serving) {
    const nobody = unproven(view) === null;
    if (nobody) {
      return {
        kind: 'problem',
        code: 'RECORD_WITHOUT_DATA',
        remedy:
          'if that cluster was deleted on purpose, delete its Leases (the record and one a member) and a new one is made; otherwise bring its volumes back',
        reason: `the record tells of cluster ${record.clusterUID} in epoch ${record.epoch}, but no member has data`,
      };
    }
    return wait(`a clone waits for ${record.primary} to serve`);
  }
  const permission = mayReplace(view, record);
  if (!permission.may) {
    return permission.reason === 'look'
      ? { kind: 'look', reason: 'the record is read before a clone' }
      : wait(`a clone waits: ${permission.reason}`);
  }
  return startAgain(view, 'clone') ?? { kind: 'clone', from: record.primary, reason: 'it has no data' };
}

/** Which member has not just said that it has no data; null: all have. */
function unproven(view: View): string | null {
  for (const member of view.settings.expectedMembers) {
    if (member === view.self) continue;
    const peer = view.peers.find((other) => other.member === member);
    if (peer?.state == null || elapsed(peer.answeredAt, view.now) > FRESH_ANSWER) {
      return `${member} has not said yet whether it has data`;
    }
    if (peer.state.incarnation !== null || peer.state.state !== 'empty') return `${member} has data`;
  }
  return null;
}
