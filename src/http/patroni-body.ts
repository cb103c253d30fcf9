import { lsnBytes } from '../ha/lsn.ts';
import { memberOf } from '../ha/member.ts';
import type { HistoryEntry } from '../ha/record.ts';
import { isRunning, patroniRole, patroniState, patroniTags } from './patroni-terms.ts';
import type { ClusterMember, ClusterStatus, MemberStatus } from './ports.ts';

/*
 * The bodies of Patroni's REST API, for monitoring made for Patroni. Keys that Patroni leaves out when they do not
 * apply are left out here too. Source: Patroni 4.1 documentation, "Patroni REST API".
 */

type Body = Record<string, unknown>;

/** The body of every health check and of `/patroni`. */
export function patroniStatus(status: MemberStatus): Body {
  const tags = patroniTags(status.tags);
  return {
    state: patroniState(status.state),
    ...(isRunning(status)
      ? running(status)
      : { role: status.state === 'empty' ? 'uninitialized' : patroniRole(status) }),
    ...(status.paused ? { pause: true } : {}),
    ...(status.primary === null ? { cluster_unlocked: true } : {}),
    dcs_last_seen: status.apiLastSeen === null ? 0 : Math.floor(Date.parse(status.apiLastSeen) / 1000),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(status.systemIdentifier === '' ? {} : { database_system_identifier: status.systemIdentifier }),
    ...(status.pendingRestart.length === 0 ? {} : { pending_restart: true }),
    patroni: { version: status.version, scope: status.cluster, name: status.member },
  };
}

function running(status: MemberStatus): Body {
  const standby = status.state === 'standby';
  return {
    postmaster_start_time:
      status.postmasterStartedAt === null ? null : pythonTime(status.postmasterStartedAt),
    role: patroniRole(status),
    server_version: status.postgresVersionNumber,
    xlog: standby
      ? {
          received_location: lsnBytes(status.lsn),
          replayed_location: lsnBytes(status.replayLsn),
          replayed_timestamp: null,
          paused: false,
        }
      : { location: lsnBytes(status.lsn) },
    ...(standby && status.sync === 'sync' ? { sync_standby: true } : {}),
    ...(standby && status.sync === 'quorum' ? { quorum_standby: true } : {}),
    timeline: status.timeline,
    ...(standby && status.replicationState !== null ? { replication_state: status.replicationState } : {}),
    ...(status.replication.length === 0
      ? {}
      : {
          replication: status.replication.map((each) => ({
            application_name: each.applicationName,
            state: each.state,
            sync_state: each.syncState,
            sync_priority: each.syncState === 'async' ? 0 : 1,
          })),
        }),
  };
}

/** The body of `/cluster`. */
export function patroniCluster(cluster: ClusterStatus): Body {
  const { switchover } = cluster;
  return {
    members: cluster.members
      .map((member) => patroniMember(member))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...(cluster.paused ? { pause: true } : {}),
    ...(switchover === null || switchover.at === null
      ? {}
      : {
          scheduled_switchover: {
            at: switchover.at,
            ...(cluster.primary === null ? {} : { from: cluster.primary }),
            ...(switchover.target === null ? {} : { to: switchover.target }),
          },
        }),
    scope: cluster.cluster,
  };
}

function patroniMember(member: ClusterMember): Body & { readonly name: string } {
  const leader = member.role === 'primary';
  const tags = patroniTags(member.tags);
  const lag = member.lagBytes ?? 'unknown';
  const state = member.state === 'unreachable' ? 'unknown' : patroniState(member.state);
  return {
    name: member.name,
    role: leader ? 'leader' : replicaRole(member),
    state: !leader && member.streaming ? 'streaming' : state,
    api_url: `${member.http.replace(/\/+$/, '')}/patroni`,
    host: member.host,
    port: member.port,
    ...(member.timeline === null ? {} : { timeline: member.timeline }),
    ...(member.pendingRestart ? { pending_restart: true } : {}),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(leader ? {} : { receive_lag: lag, replay_lag: lag, lag }),
  };
}

function replicaRole({ sync }: ClusterMember): string {
  if (sync === 'sync') return 'sync_standby';
  return sync === 'quorum' ? 'quorum_standby' : 'replica';
}

/**
 * The body of `/history`: a line for each change of timeline: the timeline that ended, where, why, when, and the
 * new primary. An epoch that kept its timeline makes no line.
 */
export function patroniHistory(history: readonly HistoryEntry[]): unknown[] {
  const lines: unknown[] = [];
  let before: number | null = null;
  for (const entry of history) {
    const ended: number = before ?? entry.timeline - 1;
    if (entry.switchLsn !== null && ended < entry.timeline) {
      lines.push([ended, lsnBytes(entry.switchLsn), entry.cause, entry.at, memberOf(entry.primary)]);
    }
    before = entry.timeline;
  }
  return lines;
}

/** A time as Python prints it, e.g. `2024-08-28 19:39:26.352000+00:00`. */
function pythonTime(rfc3339: string): string {
  const iso = new Date(rfc3339).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}000+00:00`;
}
