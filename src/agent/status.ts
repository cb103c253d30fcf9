import { isFenced } from '../ha/fenced.ts';
import { compareLsn, LSN_ZERO, lsnBytes } from '../ha/lsn.ts';
import type { Role } from '../ha/peer.ts';
import { permittedUntil } from '../ha/permission.ts';
import type { ClusterRecord } from '../ha/record.ts';
import { primaryState } from '../ha/returning.ts';
import { isSelfBumped } from '../ha/settle.ts';
import { epoch, type Instant, millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { MemberStatus, Progress } from '../http/ports.ts';

import { recoveryReport } from './recovery/report.ts';

/** What a status says that is not in the view. */
export interface StatusExtras {
  readonly cluster: string;
  readonly namespace: string;
  readonly version: string;
  readonly postgresVersion: string;
  readonly postgresVersionNumber: number;
  readonly postgresPid: number | null;
  readonly postmasterStartedAt: string | null;
  readonly pendingRestart: readonly string[];
  readonly apiLastSeen: string | null;
  readonly lastDecision: MemberStatus['lastDecision'];
  readonly progress: Progress | null;
  readonly archive: MemberStatus['archive'];
  readonly backup: MemberStatus['backup'];
  readonly catalog: MemberStatus['catalog'];
  readonly problems: MemberStatus['problems'];
}

/** Its epoch is settled, or one that the holder of the settled one gave itself: clients are let in. */
export function isInOffice(record: ClusterRecord): boolean {
  return record.settled.epoch === record.epoch || isSelfBumped(record);
}

/** The role for clients: a primary only under a record that says so. */
export function roleOf(view: View): Role {
  const record = view.record.lastValid;
  switch (view.local.state) {
    case 'primary':
      return record !== null && record.primary === view.local.identity && isInOffice(record)
        ? 'primary'
        : 'none';
    case 'standby':
      return 'standby';
    default:
      return 'none';
  }
}

/** `GET /v1/status`, by the last view. */
export function memberStatus(view: View, now: Instant, extras: StatusExtras): MemberStatus {
  const { local } = view;
  const { server } = local;
  const record = view.record.current?.record ?? view.record.lastValid;
  const role = roleOf(view);
  return {
    ...extras,
    member: view.self,
    identity: local.identity,
    role,
    state: local.state,
    open: server?.doorOpen ?? false,
    epoch: record?.epoch ?? epoch(0),
    settledEpoch: record?.settled.epoch ?? epoch(0),
    timeline: server?.timeline ?? local.timeline,
    lsn: server?.flushLsn ?? local.endOfWal,
    replayLsn: server?.replayLsn ?? LSN_ZERO,
    lagBytes: lagBytes(view),
    replayLag: server?.replayLag ?? null,
    systemIdentifier: local.systemIdentifier,
    clusterUID: local.clusterUID,
    primary: record?.primary ?? null,
    recovery: recoveryReport(view),
    paused: record?.paused ?? false,
    fenced: record !== null && isFenced(record.fenced, view.self),
    ending: view.wishes.shutdown,
    cohort: record?.settled.cohort ?? [],
    acks: record?.settled.acks ?? 0,
    sync: syncOf(view),
    replication: (server?.walsenders ?? []).map((walsender) => ({
      applicationName: walsender.identity,
      state: walsender.streaming ? 'streaming' : 'catchup',
      syncState: walsender.syncState,
      sentLsn: walsender.sentLsn,
      flushLsn: walsender.flushLsn,
      replayLsn: walsender.replayLsn,
      flushLag: null,
      replayLag: null,
    })),
    streamingFrom: server?.receiver?.streaming === true ? server.follows : null,
    replicationState:
      server?.inRecovery !== true
        ? null
        : server.receiver?.streaming === true
          ? 'streaming'
          : 'in archive recovery',
    tags: view.settings.tags,
    leaseMargin:
      role === 'primary' && record !== null ? millis(Math.max(0, permittedUntil(view, record) - now)) : null,
  };
}

/** How far behind the primary's last known WAL this standby's replay is. */
function lagBytes(view: View): number | null {
  const record = view.record.lastValid;
  const { server } = view.local;
  if (record === null || server === null || !server.inRecovery) return null;
  const primary = primaryState(view, record)?.position?.lsn ?? record.flushLsn;
  const ahead = compareLsn(primary, server.flushLsn) > 0 ? primary : server.flushLsn;
  return Math.max(0, lsnBytes(ahead) - lsnBytes(server.replayLsn));
}

/** How this member's acknowledgement counts: the cohort is quorum-based, so `quorum` or `async`. */
function syncOf(view: View): MemberStatus['sync'] {
  const record = view.record.lastValid;
  const { identity, state } = view.local;
  if (record === null || identity === null || state !== 'standby') return null;
  if (record.settled.acks === 0) return 'async';
  return record.settled.cohort.includes(identity) ? 'quorum' : 'async';
}
