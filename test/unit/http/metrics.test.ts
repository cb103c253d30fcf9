import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { createMetrics, type MetricsExtra } from '../../../src/http/metrics.ts';
import { EMPTY_SAMPLE, type InstanceSample } from '../../../src/http/sample.ts';
import { CLUSTER, PRIMARY, STANDBY } from './scripted-agent.ts';

const SAMPLE: InstanceSample = {
  ...EMPTY_SAMPLE,
  slots: [
    { name: 'pg_1', kind: 'physical', active: true, retainedBytes: 1024, walStatus: 'reserved' },
    { name: 'old', kind: 'logical', active: false, retainedBytes: null, walStatus: 'lost' },
  ],
  connections: [{ state: 'active', count: 3 }],
  connectionsMax: 100,
  commitsWaitingForSync: 2,
  oldestSyncWait: millis(1500),
  archiver: { archived: 41, failed: 1, lastArchivedAge: millis(2000), lastFailedAge: null, ready: 0 },
  deadlocks: 5,
};
const EXTRA: MetricsExtra = {
  sample: SAMPLE,
  sampleAge: millis(500),
  guard: 'armed',
  guardMargin: millis(2500),
};

async function series(registry: Registry): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('metrics', () => {
  it('show a primary and its Postgres', async () => {
    const registry = new Registry();
    createMetrics(registry).updateFromStatus(PRIMARY, CLUSTER, EXTRA);
    expect(Object.fromEntries(await series(registry))).toMatchObject({
      'pgwarden_role{role="primary"}': 1,
      'pgwarden_role{role="standby"}': 0,
      'pgwarden_state{state="primary"}': 1,
      pgwarden_open: 1,
      pgwarden_epoch: 7,
      pgwarden_timeline: 3,
      pgwarden_lease_margin_seconds: 8.5,
      pgwarden_sync_acks_expected: 1,
      pgwarden_sync_standbys_expected: 1,
      pgwarden_sync_standbys_observed: 1,
      'pgwarden_standby_lag_bytes{standby="pg-1-0000000b"}': 96,
      'pgwarden_guard_state{state="armed"}': 1,
      pgwarden_guard_margin_seconds: 2.5,
      'pgwarden_slot_retained_bytes{slot="pg_1",kind="physical"}': 1024,
      'pgwarden_slot_lost{slot="old",kind="logical"}': 1,
      pgwarden_sync_commits_waiting: 2,
      pgwarden_sync_oldest_wait_seconds: 1.5,
      pgwarden_archiver_archived_total: 41,
      pgwarden_deadlocks_total: 5,
      pgwarden_postgres_sample_age_seconds: 0.5,
      'pgwarden_cluster_members{role="standby"}': 1,
    });
  });

  it('leave out what is not known instead of showing an old value', async () => {
    const registry = new Registry();
    const metrics = createMetrics(registry);
    metrics.updateFromStatus(PRIMARY, CLUSTER, EXTRA);
    metrics.updateFromStatus(STANDBY, CLUSTER, {
      sample: null,
      sampleAge: null,
      guard: 'absent',
      guardMargin: null,
    });
    const now = await series(registry);
    for (const name of [
      'pgwarden_lease_margin_seconds',
      'pgwarden_sync_standbys_observed',
      'pgwarden_standby_lag_bytes{standby="pg-1-0000000b"}',
      'pgwarden_slot_active{slot="pg_1",kind="physical"}',
      'pgwarden_connections{state="active"}',
      'pgwarden_archiver_archived_total',
      'pgwarden_guard_margin_seconds',
    ]) {
      expect(now.has(name), name).toBe(false);
    }
    expect(now.get('pgwarden_replication_lag_bytes')).toBe(96);
    expect(now.get('pgwarden_replication_lag_seconds')).toBe(0.004);
    expect(now.get('pgwarden_role{role="primary"}')).toBe(0);
  });

  it('count what the agent does, in seconds', async () => {
    const registry = new Registry();
    const metrics = createMetrics(registry);
    metrics.loopRan(millis(20));
    metrics.decided('promote');
    metrics.takeoverPhase('recruit', millis(40));
    metrics.takeoverEnded('won', 'suspected', millis(900));
    metrics.takeoverEnded('lost', 'suspected', millis(100));
    metrics.kubernetesCall('update', 'leases', '200', millis(3));
    metrics.peerCall('state', 'answered', millis(2));
    metrics.httpDropped('slow');
    metrics.taskEnded('rewind', 'done', millis(5000));
    expect(Object.fromEntries(await series(registry))).toMatchObject({
      pgwarden_loop_iterations_total: 1,
      pgwarden_loop_duration_seconds_sum: 0.02,
      'pgwarden_decisions_total{kind="promote"}': 1,
      'pgwarden_takeover_phase_duration_seconds_sum{phase="recruit"}': 0.04,
      'pgwarden_takeovers_total{outcome="won",cause="suspected"}': 1,
      pgwarden_takeover_duration_seconds_count: 1,
      'pgwarden_kubernetes_request_duration_seconds_count{verb="update",resource="leases",code="200"}': 1,
      'pgwarden_peer_request_duration_seconds_count{call="state",outcome="answered"}': 1,
      'pgwarden_http_dropped_total{reason="slow"}': 1,
      'pgwarden_task_duration_seconds_sum{task="rewind",outcome="done"}': 5,
    });
  });

  it("follow Prometheus's conventions for names, help and units", async () => {
    const registry = new Registry();
    createMetrics(registry);
    for (const { name, help, type } of await registry.getMetricsAsJSON()) {
      expect(name).toMatch(/^(pgwarden|process|nodejs)_[a-z0-9_]+$/);
      expect(help, name).toMatch(/^[A-Zm].*\.$/);
      expect(name.endsWith('_total'), name).toBe(String(type) === 'counter');
      expect(name, 'base units only').not.toMatch(/_(ms|milliseconds|kb|mb|minutes)(_|$)/);
    }
  });

  it('are updated well within a turn of the loop', () => {
    const metrics = createMetrics(new Registry());
    metrics.updateFromStatus(PRIMARY, CLUSTER, EXTRA);
    const startedAt = performance.now();
    for (let turn = 0; turn < 100; turn++) metrics.updateFromStatus(PRIMARY, CLUSTER, EXTRA);
    expect((performance.now() - startedAt) / 100).toBeLessThan(5);
  });
});
