import type { Registry } from 'prom-client';
import type { Millis } from '../ha/units.ts';
import { bit, instruments, seconds } from './metrics-gauge.ts';
import { EMPTY_SAMPLE, type InstanceSample } from './sample.ts';

export interface InstanceMetrics {
  /** Null: nothing is known; every series of Postgres is left out. */
  update(sample: InstanceSample | null, age: Millis | null): void;
}

/** Gauges of Postgres itself, from the last sample. */
export function instanceMetrics(registry: Registry): InstanceMetrics {
  const make = instruments(registry);
  const age = make.gauge(
    'pgwarden_postgres_sample_age_seconds',
    "Age of Postgres's numbers; grows while it hangs.",
  );
  const slotActive = make.labelled('pgwarden_slot_active', 'Whether the slot is in use.', ['slot', 'kind']);
  const slotBytes = make.labelled('pgwarden_slot_retained_bytes', 'WAL that the slot holds back.', [
    'slot',
    'kind',
  ]);
  const slotLost = make.labelled('pgwarden_slot_lost', 'Whether the slot lost WAL that it needs.', [
    'slot',
    'kind',
  ]);
  const connections = make.labelled('pgwarden_connections', 'Client connections by state.', ['state']);
  const connectionsMax = make.gauge('pgwarden_connections_max', 'max_connections.');
  const connectionsReserved = make.gauge(
    'pgwarden_connections_reserved',
    'Connections reserved for superusers and roles.',
  );
  const waiting = make.gauge('pgwarden_sync_commits_waiting', 'Commits that wait for standbys.');
  const oldestWait = make.gauge(
    'pgwarden_sync_oldest_wait_seconds',
    'The longest that a commit now waits for standbys.',
  );
  const walBytes = make.gauge('pgwarden_wal_directory_bytes', 'Size of pg_wal.');
  const volumeFree = make.gauge('pgwarden_volume_free_bytes', 'Free space of the volume.');
  const volumeTotal = make.gauge('pgwarden_volume_size_bytes', 'Size of the volume.');
  const databaseBytes = make.gauge('pgwarden_databases_bytes', 'Size of all databases.');
  const archived = make.mirrored('pgwarden_archiver_archived_total', 'WAL files archived.');
  const failed = make.mirrored('pgwarden_archiver_failed_total', 'Failed tries to archive.');
  const archivedAge = make.gauge(
    'pgwarden_archiver_last_archived_age_seconds',
    'Time since a WAL file was archived.',
  );
  const failedAge = make.gauge('pgwarden_archiver_last_failed_age_seconds', 'Time since archiving failed.');
  const ready = make.gauge('pgwarden_archiver_ready_files', 'WAL files that wait to be archived.');
  const xidAge = make.gauge('pgwarden_transaction_id_age', 'Age of the oldest unfrozen transaction id.');
  const multixactAge = make.gauge('pgwarden_multixact_id_age', 'Age of the oldest unfrozen multixact id.');
  const oldest = make.gauge('pgwarden_oldest_transaction_age_seconds', 'Age of the oldest open transaction.');
  const long = make.gauge(
    'pgwarden_long_transactions',
    'Transactions open for longer than the configured time.',
  );
  const prepared = make.gauge('pgwarden_prepared_transactions', 'Prepared transactions.');
  const commits = make.mirrored('pgwarden_transactions_committed_total', 'Transactions committed.');
  const rollbacks = make.mirrored('pgwarden_transactions_rolled_back_total', 'Transactions rolled back.');
  const deadlocks = make.mirrored('pgwarden_deadlocks_total', 'Deadlocks.');
  const conflicts = make.mirrored(
    'pgwarden_recovery_conflicts_total',
    'Queries cancelled because of recovery.',
  );
  const checksums = make.mirrored('pgwarden_checksum_failures_total', 'Pages with a wrong checksum.');
  const checkpoints = make.mirrored('pgwarden_checkpoints_total', 'Checkpoints.');

  return {
    update(given, sampleAge) {
      const sample = given ?? EMPTY_SAMPLE;
      age.set(seconds(sampleAge));
      const slots =
        sample.slots?.map((slot) => ({ labels: { slot: slot.name, kind: slot.kind }, slot })) ?? [];
      slotActive.replace(slots.map(({ labels, slot }) => ({ labels, value: bit(slot.active) })));
      slotBytes.replace(slots.map(({ labels, slot }) => ({ labels, value: slot.retainedBytes })));
      slotLost.replace(slots.map(({ labels, slot }) => ({ labels, value: bit(slot.walStatus === 'lost') })));
      connections.replace(
        sample.connections?.map(({ state, count }) => ({ labels: { state }, value: count })) ?? null,
      );
      connectionsMax.set(sample.connectionsMax);
      connectionsReserved.set(sample.connectionsReserved);
      waiting.set(sample.commitsWaitingForSync);
      oldestWait.set(seconds(sample.oldestSyncWait));
      walBytes.set(sample.walDirectoryBytes);
      volumeFree.set(sample.volumeFreeBytes);
      volumeTotal.set(sample.volumeTotalBytes);
      databaseBytes.set(sample.databaseBytes);
      archived.set(sample.archiver?.archived ?? null);
      failed.set(sample.archiver?.failed ?? null);
      archivedAge.set(seconds(sample.archiver?.lastArchivedAge ?? null));
      failedAge.set(seconds(sample.archiver?.lastFailedAge ?? null));
      ready.set(sample.archiver?.ready ?? null);
      xidAge.set(sample.transactionIdAge);
      multixactAge.set(sample.multixactIdAge);
      oldest.set(seconds(sample.oldestTransactionAge));
      long.set(sample.longTransactions);
      prepared.set(sample.preparedTransactions);
      commits.set(sample.commits);
      rollbacks.set(sample.rollbacks);
      deadlocks.set(sample.deadlocks);
      conflicts.set(sample.conflicts);
      checksums.set(sample.checksumFailures);
      checkpoints.set(sample.checkpoints);
    },
  };
}
