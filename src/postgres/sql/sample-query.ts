import type { Millis } from '../../ha/units.ts';

/** What the sample query returns; the meaning of each field is that of pg_stat_* (documentation, "Monitoring"). */
export interface SampleRow {
  readonly slots:
    | readonly {
        readonly name: string;
        readonly kind: 'physical' | 'logical';
        readonly active: boolean;
        readonly retainedBytes: number | null;
        readonly walStatus: string | null;
      }[]
    | null;
  readonly connections: readonly { readonly state: string; readonly count: number }[] | null;
  readonly connectionsMax: number | null;
  readonly connectionsReserved: number | null;
  readonly commitsWaitingForSync: number | null;
  readonly oldestSyncWait: Millis | null;
  readonly databaseBytes: number | null;
  readonly archiver: {
    readonly archived: number | null;
    readonly failed: number | null;
    readonly lastArchivedAge: Millis | null;
    readonly lastFailedAge: Millis | null;
    readonly ready: number | null;
  } | null;
  readonly transactionIdAge: number | null;
  readonly multixactIdAge: number | null;
  readonly oldestTransactionAge: Millis | null;
  readonly longTransactions: number | null;
  readonly preparedTransactions: number | null;
  readonly commits: number | null;
  readonly rollbacks: number | null;
  readonly deadlocks: number | null;
  readonly conflicts: number | null;
  readonly checksumFailures: number | null;
  readonly checkpoints: number | null;
}

/** $1: after how many milliseconds a transaction is long. */
export function sampleQuery(major: number): string {
  const checkpoints =
    major >= 17
      ? 'select num_timed + num_requested from pg_stat_checkpointer'
      : 'select checkpoints_timed + checkpoints_req from pg_stat_bgwriter';
  return `
with recovery as materialized (select pg_is_in_recovery() as on),
activity as materialized (
  select state, wait_event, xact_start, query_start, backend_type from pg_stat_activity
), transactions as materialized (
  select xact_start as start from activity where xact_start is not null and backend_type = 'client backend'
  union all select prepared from pg_prepared_xacts
), totals as (
  select sum(xact_commit) as commits, sum(xact_rollback) as rollbacks, sum(deadlocks) as deadlocks,
    sum(conflicts) as conflicts, sum(checksum_failures) as failures
  from pg_stat_database
)
select json_build_object(
  'slots', (select coalesce(json_agg(json_build_object('name', slot_name, 'kind', slot_type, 'active', active,
      'retainedBytes', pg_wal_lsn_diff(
        case when recovery.on then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn),
      'walStatus', wal_status)), '[]') from pg_replication_slots),
  'connections', (select coalesce(json_agg(json_build_object('state', state, 'count', count)), '[]') from (
      select coalesce(state, 'unknown') as state, count(*) from activity
      where backend_type = 'client backend' group by 1) as states),
  'connectionsMax', current_setting('max_connections')::int,
  'connectionsReserved', current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0),
  'commitsWaitingForSync', (select count(*) from activity where wait_event = 'SyncRep'),
  'oldestSyncWait', (select ${ageMs('min(query_start)')} from activity where wait_event = 'SyncRep'),
  'databaseBytes', (select sum(pg_database_size(oid)) from pg_database),
  'archiver', (select json_build_object('archived', archived_count, 'failed', failed_count,
      'lastArchivedAge', ${ageOrNullMs('last_archived_time')}, 'lastFailedAge', ${ageOrNullMs('last_failed_time')},
      'ready', null) from pg_stat_archiver),
  'transactionIdAge', (select max(age(datfrozenxid)) from pg_database),
  'multixactIdAge', (select max(mxid_age(datminmxid)) from pg_database),
  'oldestTransactionAge', (select ${ageMs('min(start)')} from transactions),
  'longTransactions', (select count(*) from transactions
      where start < clock_timestamp() - $1::float8 * interval '1 millisecond'),
  'preparedTransactions', (select count(*) from pg_prepared_xacts),
  'commits', totals.commits,
  'rollbacks', totals.rollbacks,
  'deadlocks', totals.deadlocks,
  'conflicts', totals.conflicts,
  'checksumFailures', totals.failures,
  'checkpoints', (${checkpoints})
) as sample
from recovery, totals`;
}

/** 0 where there is none: greatest() passes nulls over. */
function ageMs(time: string): string {
  return `greatest(0, round(extract(epoch from clock_timestamp() - ${time}) * 1000))`;
}

/** Null where it never happened. */
function ageOrNullMs(time: string): string {
  return `case when ${time} is not null then ${ageMs(time)} end`;
}
