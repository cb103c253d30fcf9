import { isFenced } from '../ha/fenced.ts';
import { lsnBytes } from '../ha/lsn.ts';
import { memberIncarnation, memberOf } from '../ha/member.ts';
import type { PeerState, Role } from '../ha/peer.ts';
import type { ClusterRecord, MemberRecord } from '../ha/record.ts';
import { elapsed, epoch, type Instant, timelineId } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { ClusterMember, ClusterStatus, MemberStatus } from '../http/ports.ts';
import { recoveryReport } from './recovery/report.ts';
import { isInOffice } from './status.ts';

/** An answer older than this (milliseconds) says nothing about now. */
const STALE_ANSWER = 3_000;

/** `GET /v1/cluster`: the record, this member, and the others as they last answered. */
export function clusterStatus(
  view: View,
  now: Instant,
  own: MemberStatus,
  address: MemberRecord,
  seenAt: string | null,
): ClusterStatus {
  const record = view.record.current?.record ?? view.record.lastValid;
  const others = view.peers.flatMap((peer) => {
    const entry = view.members.find((member) => member.member === peer.member);
    const fresh = peer.last === 'answered' && elapsed(peer.answeredAt, now) < STALE_ANSWER;
    // Scaled away: only its Lease is left.
    const counts = record?.settled.cohort.some((identity) => memberOf(identity) === peer.member) === true;
    if (!fresh && !counts && !view.settings.expectedMembers.includes(peer.member)) return [];
    return [otherMember(view, record, peer.member, entry ?? null, fresh ? peer.state : null)];
  });
  return {
    cluster: own.cluster,
    namespace: own.namespace,
    clusterUID: record?.clusterUID ?? null,
    systemIdentifier: record?.systemIdentifier ?? '',
    epoch: record?.epoch ?? epoch(0),
    settledEpoch: record?.settled.epoch ?? epoch(0),
    primary: record?.primary ? memberOf(record.primary) : null,
    seenAt,
    timeline: record?.timeline ?? timelineId(0),
    cohort: record?.settled.cohort ?? [],
    acks: record?.settled.acks ?? 0,
    durability: view.settings.durability,
    paused: record?.paused ?? false,
    fenced: record?.fenced ?? [],
    ending: record?.ending ?? null,
    switchover: record?.switchover ?? null,
    recovery: recoveryReport(view),
    members: [ownMember(view, own, address), ...others].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function ownMember(view: View, own: MemberStatus, address: MemberRecord): ClusterMember {
  return {
    name: own.member,
    identity: own.identity,
    role: own.role,
    state: own.state,
    host: address.host,
    port: address.postgresPort,
    http: urlOf(address),
    timeline: own.timeline,
    epoch: view.local.floor?.epoch ?? null,
    lagBytes: own.lagBytes,
    replayLag: own.replayLag,
    sync: own.sync,
    streaming: own.streamingFrom !== null && own.streamingFrom === own.primary,
    fenced: own.fenced,
    pendingRestart: own.pendingRestart.length > 0,
    tags: own.tags,
    progress: own.progress,
  };
}

function otherMember(
  view: View,
  record: ClusterRecord | null,
  name: ClusterMember['name'],
  entry: MemberRecord | null,
  state: PeerState | null,
): ClusterMember {
  const identity = state?.incarnation == null ? null : memberIncarnation(name, state.incarnation);
  const primary = record?.primary ?? null;
  return {
    name,
    identity,
    role: roleOfPeer(record, state, identity),
    state: state?.state ?? 'unreachable',
    host: entry?.host ?? '',
    port: entry?.postgresPort ?? 0,
    http: entry === null ? '' : urlOf(entry),
    timeline: state?.timeline ?? null,
    epoch: state?.floor?.epoch ?? null,
    lagBytes: lagOf(view, state),
    replayLag: state?.replayLag ?? null,
    sync: syncOf(record, state, identity),
    streaming: state?.streamingFrom != null && state.streamingFrom === primary,
    fenced: record !== null && isFenced(record.fenced, name),
    pendingRestart: false,
    tags: state?.tags ?? entry?.tags ?? { nofailover: false, nosync: false, priority: 0 },
    progress: null,
  };
}

function roleOfPeer(
  record: ClusterRecord | null,
  state: PeerState | null,
  identity: ClusterMember['identity'],
): Role {
  if (state?.state === 'standby') return 'standby';
  if (state?.state !== 'primary' || record === null || record.primary !== identity) return 'none';
  return isInOffice(record) ? 'primary' : 'none';
}

function syncOf(
  record: ClusterRecord | null,
  state: PeerState | null,
  identity: ClusterMember['identity'],
): ClusterMember['sync'] {
  if (record === null || identity === null || state?.state !== 'standby') return null;
  return record.settled.acks > 0 && record.settled.cohort.includes(identity) ? 'quorum' : 'async';
}

/** Behind the furthest WAL that this member knows of. */
function lagOf(view: View, state: PeerState | null): number | null {
  if (state?.state !== 'standby') return null;
  let furthest = lsnBytes(state.replayLsn);
  const own = view.local.server;
  if (own !== null) furthest = Math.max(furthest, lsnBytes(own.flushLsn));
  for (const peer of view.peers) {
    if (peer.state?.position) furthest = Math.max(furthest, lsnBytes(peer.state.position.lsn));
  }
  return furthest - lsnBytes(state.replayLsn);
}

function urlOf(record: MemberRecord): string {
  const host = record.host.includes(':') ? `[${record.host}]` : record.host;
  return `${record.https ? 'https' : 'http'}://${host}:${record.httpPort}`;
}
