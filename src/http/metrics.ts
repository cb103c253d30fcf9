import type { Registry } from 'prom-client';
import type { Millis } from '../ha/units.ts';
import { type ArchiveMetrics, archiveMetrics } from './metrics-archive.ts';
import { type BackupMetrics, backupMetrics } from './metrics-backup.ts';
import { type ClusterMetrics, clusterMetrics } from './metrics-cluster.ts';
import { type InstanceMetrics, instanceMetrics } from './metrics-instance.ts';
import { processMetrics } from './metrics-process.ts';
import { type WorkMetrics, workMetrics } from './metrics-work.ts';
import type { ClusterStatus, MemberStatus } from './ports.ts';
import type { InstanceSample } from './sample.ts';

/** What metrics show besides the status of member and cluster. */
export interface MetricsExtra {
  /** The newest sample of Postgres's numbers; null: none yet. */
  readonly sample: InstanceSample | null;
  /** How old it is: grows while Postgres hangs. */
  readonly sampleAge: Millis | null;
  readonly guard: GuardState;
  /** Time left until the guard kills; null: no deadline is set. */
  readonly guardMargin: Millis | null;
}

/** `armed`: it would kill at its deadline; `idle`: it runs, Postgres does not; `absent`: it does not run. */
export type GuardState = 'armed' | 'idle' | 'absent';

/** All metrics of the agent: counters and histograms to be told as things happen, gauges from the last look. */
export interface Metrics extends WorkMetrics {
  /**
   * Sets every gauge from plain data. Takes well under a millisecond and waits for nothing: call it after each
   * observation, or just before a scrape (`refreshMetrics` of HttpServer).
   */
  updateFromStatus(status: MemberStatus, cluster: ClusterStatus, extra: MetricsExtra): void;
}

/** Defines every metric of the agent in `registry`; starts nothing. Call it once a registry. */
export function createMetrics(registry: Registry): Metrics {
  const cluster: ClusterMetrics = clusterMetrics(registry);
  const instance: InstanceMetrics = instanceMetrics(registry);
  const archive: ArchiveMetrics = archiveMetrics(registry);
  const backup: BackupMetrics = backupMetrics(registry);
  processMetrics(registry);
  return {
    ...workMetrics(registry),
    updateFromStatus(status, clusterStatus, extra) {
      cluster.update(status, clusterStatus);
      cluster.updateGuard(extra.guard, extra.guardMargin);
      instance.update(extra.sample, extra.sampleAge);
      archive.update(status.archive, Date.now());
      backup.update(status.backup);
    },
  };
}
