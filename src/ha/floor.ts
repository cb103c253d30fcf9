import type { Decision } from './decision.ts';
import type { MemberName } from './member.ts';
import type { ClusterRecord, Floor, Seen } from './record.ts';
import type { Epoch, Instant } from './units.ts';
import type { LocalView, View } from './view.ts';

export type RecordStanding =
  | { readonly kind: 'valid' }
  /** It went backwards (a restored etcd, a Lease deleted and made anew): obeyed by nobody. */
  | { readonly kind: 'backwards'; readonly why: string }
  /** It belongs to another cluster than the data directory, or to a later life of it. */
  | { readonly kind: 'foreign'; readonly why: string };

/**
 * Whether a record is below the highest epoch that a member led or followed, or names another primary in it, or is an
 * older copy of the same epoch: its cohort may lack who has acknowledged since.
 */
export function isBelowFloor(record: ClusterRecord, floor: Floor | null): boolean {
  if (floor === null) return false;
  if (record.epoch === floor.epoch && record.revision < floor.revision) return true;
  return record.epoch < floor.epoch || (record.epoch === floor.epoch && record.primary !== floor.primary);
}

/** What a record says of its own age. */
export function ageOf({ clusterUID, epoch, revision }: ClusterRecord): Seen {
  return { clusterUID, epoch, revision };
}

/**
 * Whether `a` is newer than `b`, of the same cluster: by epoch, then by revision. A record of another cluster (deleted
 * and made anew under the same name) is neither newer nor older.
 */
export function isNewer(a: Seen | null, b: Seen | null): boolean {
  if (a === null) return false;
  if (b === null) return true;
  return (
    a.clusterUID === b.clusterUID && (a.epoch > b.epoch || (a.epoch === b.epoch && a.revision > b.revision))
  );
}

/**
 * Whether this member may follow, recruit or promise under a record. `seen`: the newest record known of; who saw an
 * epoch believes none below it, also where it never came to follow it.
 */
export function standingOf(record: ClusterRecord, local: LocalView, seen: Seen | null): RecordStanding {
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
  if (local.data !== 'empty' && local.generation !== null && record.generation !== local.generation) {
    const why = `the data directory is of life ${local.generation} of the cluster, the cluster record of ${record.generation}`;
    // Of a life before this one: a record that was restored. Of a later one: this data's own is over.
    return { kind: record.generation < local.generation ? 'backwards' : 'foreign', why };
  }
  if (local.data !== 'empty' && isBelowFloor(record, local.floor) && local.floor !== null) {
    const { epoch, primary, revision } = local.floor;
    return { kind: 'backwards', why: `this member knew epoch ${epoch} of ${primary}, revision ${revision}` };
  }
  if (local.data !== 'empty' && seen !== null && isNewer(seen, ageOf(record))) {
    return { kind: 'backwards', why: `epoch ${seen.epoch}, revision ${seen.revision} was seen before` };
  }
  return { kind: 'valid' };
}

/**
 * The standing of a record in a view. The last settled primary, running, that learns from others of a higher epoch which
 * nobody follows goes above it by itself (`bump`): to it this is an abandoned takeover, and its record stands. What it
 * acknowledges still needs the very cohort that such a takeover had to recruit.
 */
export function standingIn(view: View, record: ClusterRecord): RecordStanding {
  const { seen, told } = view.record;
  const { state, identity } = view.local;
  const leads = state === 'primary' && record.primary === identity && record.settled.primary === identity;
  const counts = told !== null && !(leads && told.epoch > record.epoch);
  return standingOf(record, view.local, counts && isNewer(told, seen) ? told : seen);
}

/** The newest record that a peer saw, where it is newer than this one: it must be read again before it is built on. */
export function newerSeen(view: View, record: ClusterRecord): MemberName | null {
  for (const { member, state } of view.peers) {
    if (state !== null && state.seen !== null && isNewer(state.seen, ageOf(record))) return member;
  }
  return null;
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

/**
 * A record of the epoch that this member leads or follows has changed what a takeover must recruit: that goes to disk, so
 * that it also holds after a restart of everybody.
 */
export function remember(view: View, record: ClusterRecord): Decision | null {
  const { floor } = view.local;
  if (floor === null || floor.epoch !== record.epoch || floor.primary !== record.primary) return null;
  if (floor.revision >= record.revision) return null;
  return {
    kind: 'raise-floor',
    floor: { ...floor, revision: record.revision },
    reason: `revision ${record.revision} of epoch ${record.epoch} is remembered`,
  };
}
