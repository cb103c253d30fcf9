import type { Millis } from '../ha/units.ts';

/** One replication slot: a row of pg_replication_slots. */
export interface SlotSample {
  readonly name: string;
  readonly kind: 'physical' | 'logical';
  readonly active: boolean;
  /** WAL held back by the slot, counted from restart_lsn; null: it holds nothing. */
  readonly retainedBytes: number | null;
  /** `reserved`, `extended`, `unreserved` or `lost`; null: it holds nothing. */
  readonly walStatus: string | null;
}

/** Sessions of one kind: a group of pg_stat_activity by `state` (client backends only). */
export interface ConnectionSample {
  /** `active`, `idle`, `idle in transaction`, … */
  readonly state: string;
  readonly count: number;
}

/** What the archiver has done: pg_stat_archiver, and the `.ready` files in archive_status. */
export interface ArchiverSample {
  readonly archived: number | null;
  readonly failed: number | null;
  /** Time since the last segment was archived; null: never. */
  readonly lastArchivedAge: Millis | null;
  /** Time since the last failure; null: never. */
  readonly lastFailedAge: Millis | null;
  /** Segments that wait to be archived. */
  readonly ready: number | null;
}

/**
 * The numbers of one Postgres instance that only queries and the file system can tell: plain data, taken now and
 * then by somebody else, read by metrics. Null: not known (Postgres is down or hangs, or the query does not apply).
 * Counters are cumulative since the statistics were last reset.
 */
export interface InstanceSample {
  readonly slots: readonly SlotSample[] | null;
  readonly connections: readonly ConnectionSample[] | null;
  /** max_connections. */
  readonly connectionsMax: number | null;
  /** superuser_reserved_connections and reserved_connections together. */
  readonly connectionsReserved: number | null;
  /** Backends whose wait_event is SyncRep. */
  readonly commitsWaitingForSync: number | null;
  /** How long the oldest of them has waited. */
  readonly oldestSyncWait: Millis | null;
  /** Bytes of the files in pg_wal. */
  readonly walDirectoryBytes: number | null;
  readonly volumeFreeBytes: number | null;
  readonly volumeTotalBytes: number | null;
  /** Sum of pg_database_size(). */
  readonly databaseBytes: number | null;
  readonly archiver: ArchiverSample | null;
  /** The highest age(datfrozenxid), in transactions: wraparound protection stops writes near 2^31. */
  readonly transactionIdAge: number | null;
  /** The highest mxid_age(datminmxid). */
  readonly multixactIdAge: number | null;
  /** Age of the oldest open transaction (xact_start), prepared ones included. */
  readonly oldestTransactionAge: Millis | null;
  /** Transactions open for longer than `longTransactionAfter`. */
  readonly longTransactions: number | null;
  readonly preparedTransactions: number | null;
  /** Sums over pg_stat_database. */
  readonly commits: number | null;
  readonly rollbacks: number | null;
  readonly deadlocks: number | null;
  /** Queries cancelled on a standby because of recovery. */
  readonly conflicts: number | null;
  readonly checksumFailures: number | null;
  /** Checkpoints done, timed and requested together. */
  readonly checkpoints: number | null;
}

/** A sample of which nothing is known. */
export const EMPTY_SAMPLE: InstanceSample = {
  slots: null,
  connections: null,
  connectionsMax: null,
  connectionsReserved: null,
  commitsWaitingForSync: null,
  oldestSyncWait: null,
  walDirectoryBytes: null,
  volumeFreeBytes: null,
  volumeTotalBytes: null,
  databaseBytes: null,
  archiver: null,
  transactionIdAge: null,
  multixactIdAge: null,
  oldestTransactionAge: null,
  longTransactions: null,
  preparedTransactions: null,
  commits: null,
  rollbacks: null,
  deadlocks: null,
  conflicts: null,
  checksumFailures: null,
  checkpoints: null,
};
