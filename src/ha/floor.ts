import type { MemberName } from './member.ts';
import type { ClusterRecord, Floor } from './record.ts';
import type { Epoch, Instant } from './units.ts';
import type { LocalView, View } from './view.ts';

export type RecordStanding =
  | { readonly kind: 'valid' }
  /** It went backwards (a restored etcd, a Lease deleted and made anew): obeyed by nobody. */
  | { readonly kind: 'below-floor'; readonly floor: Floor }
  /** It belongs to another cluster than the data directory. */
  | { readonly kind: 'foreign'; readonly why: string };

/** Whether a record is below the highest epoch that a member led or followed, or names another primary in it. */
export function isBelowFloor(record: ClusterRecord, floor: Floor | null): boolean {
  if (floor === null) return false;
  return record.epoch < floor.epoch || (record.epoch === floor.epoch && record.primary !== floor.primary);
}

/** Whether this member may follow, recruit or promise under a record. */
export function standingOf(record: ClusterRecord, local: LocalView): RecordStanding {
  if (
    local.data !== 'empty' &&
    record.systemIdentifier !== '' &&
    local.systemIdentifier !== '' &&
    record.systemIdentifier !== local.systemIdentifier
  ) {
    return {
      kind: 'foreign',
      why: `the data directory has system identifier ${local.systemIdentifier}, the cluster record ${record.systemIdentifier}`,
    };
  }
  if (local.data !== 'empty' && local.clusterUID !== null && record.clusterUID !== local.clusterUID) {
    return {
      kind: 'foreign',
      why: `the data directory belongs to cluster ${local.clusterUID}, the cluster record to ${record.clusterUID}`,
    };
  }
  if (local.data !== 'empty' && isBelowFloor(record, local.floor) && local.floor !== null) {
    return { kind: 'below-floor', floor: local.floor };
  }
  return { kind: 'valid' };
}

/** A member of this cluster that led or followed a higher epoch, of another primary than this member. */
export interface Superior {
  readonly member: MemberName;
  readonly floor: Floor;
  /** When it was asked. */
  readonly toldAt: Instant | null;
}

/**
 * The member that shows that an epoch is over. Under a record that was just read it shows more: the record went
 * backwards, since a floor is written only after the swap that it stands for.
 */
export function superiorTo(view: View, own: Epoch): Superior | null {
  for (const { member, state, answeredAt } of view.peers) {
    if (state === null || state.clusterUID === null || state.floor === null) continue;
    if (state.clusterUID !== view.local.clusterUID || state.floor.epoch <= own) continue;
    // An own swap that members saw before this one did.
    if (state.floor.primary === view.local.identity) continue;
    return { member, floor: state.floor, toldAt: answeredAt };
  }
  return null;
}
