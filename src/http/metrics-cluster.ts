import type { Registry } from 'prom-client';
import { compareLsn, lsnBytes } from '../ha/lsn.ts';
import { INSTANCE_STATES, type Role } from '../ha/peer.ts';
import type { Millis } from '../ha/units.ts';
import type { GuardState } from './metrics.ts';
import { bit, instruments, seconds, timestamp } from './metrics-gauge.ts';
import type { ClusterStatus, MemberStatus } from './ports.ts';

export interface ClusterMetrics {
  update(status: MemberStatus, cluster: ClusterStatus): void;
  updateGuard(state: GuardState, margin: Millis | null): void;
}

const ROLES: readonly Role[] = ['primary', 'standby', 'none'];
const GUARD_STATES: readonly GuardState[] = ['armed', 'idle', 'absent'];

/** Gauges of the protocol: this member's part in it, and the cluster as this member sees it. */
export function clusterMetrics(registry: Registry): ClusterMetrics {
  const make = instruments(registry);
  const info = make.labelled('pgwarden_info', 'Constant 1; versions and names are in the labels.', [
    'cluster',
    'member',
    'version',
    'postgres_version',
    'system_identifier',
  ]);
  const role = make.oneOf('pgwarden_role', 'Role of this member: 1 for the one it has.', 'role', ROLES);
  const state = make.oneOf(
    'pgwarden_state',
    'What this member does with its Postgres: 1 for the current one.',
    'state',
    INSTANCE_STATES,
  );
  const guard = make.oneOf(
    'pgwarden_guard_state',
    'State of the guard process: 1 for the current one.',
    'state',
    GUARD_STATES,
  );
  const guardMargin = make.gauge(
    'pgwarden_guard_margin_seconds',
    'Time left until the guard kills Postgres.',
  );
  const open = make.gauge('pgwarden_open', 'Whether clients are let in (1) or not (0).');
  const epoch = make.gauge('pgwarden_epoch', 'Epoch of the cluster record.');
  const settledEpoch = make.gauge('pgwarden_settled_epoch', 'Last settled epoch.');
  const timeline = make.gauge('pgwarden_timeline', 'Timeline of this member.');
  const paused = make.gauge('pgwarden_paused', 'Whether automatic role changes are paused.');
  const fenced = make.gauge('pgwarden_fenced', 'Whether this member is kept down by a fence.');
  const ending = make.gauge('pgwarden_ending', 'Whether this member is about to end.');
  const pendingRestart = make.gauge(
    'pgwarden_pending_restart_settings',
    'Settings that wait for a restart of Postgres.',
  );
  const problems = make.labelled('pgwarden_problem', 'Conditions that a person should look at.', ['code']);
  const startedAt = make.gauge(
    'pgwarden_postmaster_start_time_seconds',
    'When Postgres started, in Unix time.',
  );
  const leaseMargin = make.gauge(
    'pgwarden_lease_margin_seconds',
    'Time left of the permission to be the primary.',
  );
  const apiLastSeen = make.gauge(
    'pgwarden_kubernetes_last_seen_timestamp_seconds',
    'When the Kubernetes API last answered.',
  );
  const progress = make.labelled('pgwarden_task_progress_ratio', 'Share done of the long work under way.', [
    'task',
  ]);

  const lagBytes = make.gauge(
    'pgwarden_replication_lag_bytes',
    'How far this standby is behind the primary.',
  );
  const lagSeconds = make.gauge(
    'pgwarden_replication_lag_seconds',
    'How old the last replayed transaction is.',
  );
  const position = make.labelled(
    'pgwarden_wal_position_bytes',
    'Position in the WAL: written or received, and replayed.',
    ['kind'],
  );
  const streaming = make.gauge('pgwarden_streaming', 'Whether this standby streams (1) or not (0).');
  const standbyLag = make.labelled('pgwarden_standby_flush_lag_seconds', 'Flush lag of each walsender.', [
    'standby',
  ]);
  const standbyBytes = make.labelled(
    'pgwarden_standby_lag_bytes',
    'WAL that each walsender has yet to get flushed.',
    ['standby'],
  );

  const acks = make.gauge(
    'pgwarden_sync_acks_expected',
    'Acknowledgements (k) that a commit waits for; 0: asynchronous.',
  );
  const expected = make.gauge('pgwarden_sync_standbys_expected', 'Standbys in the cohort (n).');
  const observed = make.gauge(
    'pgwarden_sync_standbys_observed',
    'Standbys of the cohort that stream now; seen by the primary.',
  );

  const members = make.labelled('pgwarden_cluster_members', 'Members by the role that this member sees.', [
    'role',
  ]);
  const unreachable = make.gauge(
    'pgwarden_cluster_members_unreachable',
    'Members that this member cannot reach.',
  );
  const streamingMembers = make.gauge(
    'pgwarden_cluster_members_streaming',
    'Standbys that stream from the current primary.',
  );
  const hasPrimary = make.gauge('pgwarden_cluster_has_primary', 'Whether the record names a primary.');
  const clusterPaused = make.gauge('pgwarden_cluster_members_fenced', 'Members in the list of fences.');
  const recordSeen = make.gauge(
    'pgwarden_cluster_record_seen_timestamp_seconds',
    'The freshest look at the record.',
  );

  return {
    update(status, cluster) {
      const primary = status.role === 'primary';
      info.replace([
        {
          labels: {
            cluster: status.cluster,
            member: status.member,
            version: status.version,
            postgres_version: status.postgresVersion,
            system_identifier: status.systemIdentifier,
          },
          value: 1,
        },
      ]);
      role.set(status.role);
      state.set(status.state);
      open.set(bit(status.open));
      epoch.set(status.epoch);
      settledEpoch.set(status.settledEpoch);
      timeline.set(status.timeline);
      paused.set(bit(status.paused));
      fenced.set(bit(status.fenced));
      ending.set(bit(status.ending));
      pendingRestart.set(status.pendingRestart.length);
      problems.replace(status.problems.map(({ code }) => ({ labels: { code }, value: 1 })));
      startedAt.set(timestamp(status.postmasterStartedAt));
      leaseMargin.set(seconds(status.leaseMargin));
      apiLastSeen.set(timestamp(status.apiLastSeen));
      progress.replace(
        status.progress === null
          ? null
          : [{ labels: { task: status.progress.task }, value: status.progress.fraction }],
      );

      lagBytes.set(primary ? 0 : status.lagBytes);
      lagSeconds.set(primary ? 0 : seconds(status.replayLag));
      position.replace([
        { labels: { kind: 'write' }, value: lsnBytes(status.lsn) },
        { labels: { kind: 'replay' }, value: lsnBytes(status.replayLsn) },
      ]);
      streaming.set(primary ? null : bit(status.replicationState === 'streaming'));
      const walsenders = status.replication.map((each) => ({
        labels: { standby: each.applicationName },
        each,
      }));
      standbyLag.replace(walsenders.map(({ labels, each }) => ({ labels, value: seconds(each.flushLag) })));
      standbyBytes.replace(
        walsenders.map(({ labels, each }) => ({
          labels,
          value: each.flushLsn === null ? null : Math.max(0, compareLsn(status.lsn, each.flushLsn)),
        })),
      );

      acks.set(status.acks);
      expected.set(status.cohort.length);
      const alive: ReadonlySet<string> = new Set(
        status.replication.filter((each) => each.state === 'streaming').map((each) => each.applicationName),
      );
      observed.set(primary ? status.cohort.filter((identity) => alive.has(identity)).length : null);

      members.replace(
        ROLES.map((each) => ({
          labels: { role: each },
          value: cluster.members.filter((member) => member.role === each).length,
        })),
      );
      unreachable.set(cluster.members.filter((member) => member.state === 'unreachable').length);
      streamingMembers.set(cluster.members.filter((member) => member.streaming).length);
      hasPrimary.set(bit(cluster.primary !== null));
      clusterPaused.set(cluster.fenced.length);
      recordSeen.set(timestamp(cluster.seenAt));
    },
    updateGuard(current, margin) {
      guard.set(current);
      guardMargin.set(seconds(margin));
    },
  };
}
