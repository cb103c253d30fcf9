/** Values of a series, one a minute, in promtool's notation without the count of repetitions. */
type Values = string;

/** Longer than the longest `for`. Time is counted from 1970 there. */
const MINUTES = 75;

export interface AlertCase {
  readonly name: string;
  /** Every alert that fires, and no other. */
  readonly fires: readonly string[];
  /** Series that differ from those of a healthy cluster; null: it is not there. */
  readonly series: Readonly<Record<string, Values | null>>;
}

const GIB = 1024 ** 3;
const MEMBERS = ['pg-0', 'pg-1', 'pg-2'];
/** What Prometheus adds to each series. */
const target = (pod: string, more = ''): string => `{namespace="db",pg_cluster="pg",pod="${pod}"${more}}`;
const NOW = '0+60';

/** pg-0 leads; `values`: from name and labels to values. */
const HEALTHY: Readonly<Record<string, Values>> = Object.fromEntries([
  ...MEMBERS.flatMap((pod) => [
    [`up${target(pod)}`, '1+0'],
    [`pgwarden_open${target(pod)}`, '1+0'],
    [`pgwarden_role${target(pod, ',role="primary"')}`, pod === 'pg-0' ? '1+0' : '0+0'],
    [`pgwarden_fenced${target(pod)}`, '0+0'],
    [`pgwarden_paused${target(pod)}`, '0+0'],
    [`pgwarden_cluster_members_unreachable${target(pod)}`, '0+0'],
    [`pgwarden_kubernetes_last_seen_timestamp_seconds${target(pod)}`, NOW],
    [`pgwarden_guard_state${target(pod, ',state="absent"')}`, '0+0'],
    [`pgwarden_volume_free_bytes${target(pod)}`, `${60 * GIB}+0`],
    [`pgwarden_volume_size_bytes${target(pod)}`, `${100 * GIB}+0`],
    [`pgwarden_transaction_id_age${target(pod)}`, '200000000+0'],
    [`pgwarden_multixact_id_age${target(pod)}`, '0+0'],
    [`pgwarden_connections${target(pod, ',state="idle"')}`, '40+0'],
    [`pgwarden_connections_max${target(pod)}`, '100+0'],
    [`pgwarden_connections_reserved${target(pod)}`, '3+0'],
    [`pgwarden_checksum_failures_total${target(pod)}`, '0+0'],
    [`pgwarden_metric_query_success${target(pod, ',query="orders"')}`, '1+0'],
    [`pgwarden_metric_file_loaded${target(pod, ',file="/etc/pgwarden/config/queries.yaml"')}`, '1+0'],
  ]),
  ...['pg-1', 'pg-2'].flatMap((pod) => [
    [`pgwarden_streaming${target(pod)}`, '1+0'],
    [`pgwarden_replication_lag_bytes${target(pod)}`, '1024+0'],
    [`pgwarden_replication_lag_seconds${target(pod)}`, '0+0'],
  ]),
  [`pgwarden_lease_margin_seconds${target('pg-0')}`, '4+0'],
  [`pgwarden_sync_standbys_observed${target('pg-0')}`, '2+0'],
  [`pgwarden_sync_acks_expected${target('pg-0')}`, '1+0'],
  [`pgwarden_sync_oldest_wait_seconds${target('pg-0')}`, '0+0'],
  [`pgwarden_slot_retained_bytes${target('pg-0', ',slot="pg_1",kind="physical"')}`, '1024+0'],
  [`pgwarden_slot_lost${target('pg-0', ',slot="pg_1",kind="physical"')}`, '0+0'],
  [`pgwarden_archive_exposure_seconds${target('pg-0')}`, '2+0'],
  [`pgwarden_archive_backups${target('pg-0')}`, '7+0'],
  [`pgwarden_archive_holes${target('pg-0')}`, '0+0'],
  [`pgwarden_backup_newest_timestamp_seconds${target('pg-0')}`, NOW],
  [`pgwarden_drill_last_good_age_seconds${target('pg-1')}`, '3600+0'],
  [`pgwarden_drill_last_success${target('pg-1')}`, '1+0'],
  [`pgwarden_verify_last_success${target('pg-1')}`, '1+0'],
  [`pgwarden_retention_last_success${target('pg-0')}`, '1+0'],
]);

const primary = (name: string, labels = ''): string => `${name}${target('pg-0', labels)}`;
const standby = (name: string, labels = ''): string => `${name}${target('pg-1', labels)}`;
const everyone = (name: string, values: Values | null, labels = ''): Record<string, Values | null> =>
  Object.fromEntries(MEMBERS.map((pod) => [`${name}${target(pod, labels)}`, values]));

export const CASES: readonly AlertCase[] = [
  { name: 'all is well', fires: [], series: {} },
  {
    name: 'a hand-over: the primary is another from one scrape to the next',
    fires: [],
    series: {
      [primary('pgwarden_role', ',role="primary"')]: '1+0x30 0+0',
      [standby('pgwarden_role', ',role="primary"')]: '0+0x30 1+0',
    },
  },
  {
    name: 'nobody leads',
    fires: ['PgWardenNoPrimary'],
    series: { [primary('pgwarden_role', ',role="primary"')]: '0+0' },
  },
  {
    name: 'the primary lets nobody in',
    fires: ['PgWardenNoPrimary'],
    series: { [primary('pgwarden_open')]: '0+0' },
  },
  {
    name: 'no agent can be scraped',
    fires: ['PgWardenNoPrimary'],
    series: {
      ...Object.fromEntries(Object.keys(HEALTHY).map((name) => [name, null])),
      ...everyone('up', '0+0'),
    },
  },
  {
    name: 'two lead',
    fires: ['PgWardenTwoPrimaries'],
    series: { [standby('pgwarden_role', ',role="primary"')]: '1+0' },
  },
  {
    name: 'both standbys are gone: commits wait, the primary is open',
    fires: ['PgWardenCommitsWait'],
    series: {
      [primary('pgwarden_sync_standbys_observed')]: '0+0',
      [primary('pgwarden_sync_oldest_wait_seconds')]: '0+60',
    },
  },
  {
    name: 'standbys stream and do not flush',
    fires: ['PgWardenCommitsSlow'],
    series: { [primary('pgwarden_sync_oldest_wait_seconds')]: '9+0' },
  },
  {
    name: 'one member is silent',
    fires: ['PgWardenMemberSilent'],
    series: { [primary('pgwarden_cluster_members_unreachable')]: '1+0' },
  },
  {
    name: 'a standby is cut off and cannot reach the others',
    fires: [],
    series: { [standby('pgwarden_cluster_members_unreachable')]: '2+0' },
  },
  {
    name: 'the Lease is renewed at the last moment',
    fires: ['PgWardenLeaseMarginLow'],
    series: { [primary('pgwarden_lease_margin_seconds')]: '0.4+0' },
  },
  {
    name: 'the API is silent',
    fires: ['PgWardenApiSilent'],
    series: everyone('pgwarden_kubernetes_last_seen_timestamp_seconds', '0+0'),
  },
  {
    name: 'no guard',
    fires: ['PgWardenGuardAbsent'],
    series: { [standby('pgwarden_guard_state', ',state="absent"')]: '1+0' },
  },
  { name: 'a forgotten pause', fires: ['PgWardenPaused'], series: everyone('pgwarden_paused', '1+0') },
  {
    name: 'an agent tells of a problem',
    fires: ['PgWardenProblem'],
    series: { [standby('pgwarden_problem', ',code="FOREIGN_CLUSTER"')]: '1+0' },
  },
  {
    name: 'a standby does not stream',
    fires: ['PgWardenMemberNotStreaming'],
    series: { [standby('pgwarden_streaming')]: '0+0' },
  },
  {
    name: 'a fenced standby does not stream',
    fires: [],
    series: { [standby('pgwarden_streaming')]: '0+0', [standby('pgwarden_fenced')]: '1+0' },
  },
  {
    name: 'a standby lags',
    fires: ['PgWardenReplicationLag'],
    series: {
      [standby('pgwarden_replication_lag_bytes')]: `${GIB}+0`,
      [standby('pgwarden_replication_lag_seconds')]: '90+0',
    },
  },
  {
    name: 'the newest commit is old, since nobody writes',
    fires: [],
    series: { [standby('pgwarden_replication_lag_seconds')]: '0+60' },
  },
  {
    name: 'a slot grows',
    fires: ['PgWardenSlotGrows'],
    series: { [primary('pgwarden_slot_retained_bytes', ',slot="cdc",kind="logical"')]: `${5 * GIB}+1000000` },
  },
  {
    name: 'a slot is large, and its reader catches up',
    fires: [],
    series: { [primary('pgwarden_slot_retained_bytes', ',slot="cdc",kind="logical"')]: `${9 * GIB}-1000000` },
  },
  {
    name: 'a slot lost WAL',
    fires: ['PgWardenSlotLost'],
    series: { [primary('pgwarden_slot_lost', ',slot="cdc",kind="logical"')]: '1+0' },
  },
  {
    name: 'a volume is nine tenths full',
    fires: ['PgWardenDiskFilling'],
    series: { [standby('pgwarden_volume_free_bytes')]: `${9 * GIB}+0` },
  },
  {
    name: 'a volume is full within a day',
    fires: ['PgWardenDiskFilling'],
    series: { [standby('pgwarden_volume_free_bytes')]: `${29 * GIB}-${GIB / 32}` },
  },
  {
    name: 'a volume is nearly full',
    fires: ['PgWardenDiskFilling', 'PgWardenDiskNearlyFull'],
    series: { [primary('pgwarden_volume_free_bytes')]: `${GIB}+0` },
  },
  {
    name: 'transaction ids are not frozen in time',
    fires: ['PgWardenTransactionIdAge'],
    series: { [primary('pgwarden_transaction_id_age')]: '1200000000+0' },
  },
  {
    name: 'multixact ids run out',
    fires: ['PgWardenTransactionIdAge', 'PgWardenTransactionIdsRunOut'],
    series: { [primary('pgwarden_multixact_id_age')]: '1900000000+0' },
  },
  {
    name: 'connections are used up',
    fires: ['PgWardenConnectionsUsedUp'],
    series: { [primary('pgwarden_connections', ',state="active"')]: '52+0' },
  },
  {
    name: 'a query of the user fails',
    fires: ['PgWardenQueryFails'],
    series: { [standby('pgwarden_metric_query_success', ',query="orders"')]: '0+0' },
  },
  {
    name: 'a file of queries is wrong',
    fires: ['PgWardenQueryFails'],
    series: {
      [standby('pgwarden_metric_file_loaded', ',file="/etc/pgwarden/config/queries.yaml"')]: '0+0',
    },
  },
  {
    name: 'a page had a wrong checksum of late',
    fires: ['PgWardenChecksumFailures'],
    series: { [standby('pgwarden_checksum_failures_total')]: '0+0x50 1+0' },
  },
  {
    name: 'the store refuses WAL',
    fires: ['PgWardenArchivingFails'],
    series: { [primary('pgwarden_archive_failing', ',code="STORE_UNREACHABLE"')]: '1+0' },
  },
  {
    name: 'the archive is behind',
    fires: ['PgWardenRecoveryPointOld'],
    series: { [primary('pgwarden_archive_exposure_seconds')]: '400+0' },
  },
  {
    name: 'the newest backup is of the day before yesterday',
    fires: ['PgWardenBackupOld'],
    series: { [primary('pgwarden_backup_newest_timestamp_seconds')]: `${-40 * 3600}+0` },
  },
  {
    name: 'there is an archive and no backup',
    fires: ['PgWardenBackupOld'],
    series: {
      [primary('pgwarden_backup_newest_timestamp_seconds')]: null,
      [primary('pgwarden_archive_backups')]: '0+0',
    },
  },
  {
    name: 'no archive is configured',
    fires: [],
    series: Object.fromEntries(
      Object.keys(HEALTHY)
        .filter((name) => /^pgwarden_(?:archive|backup|drill|verify|retention)_/.test(name))
        .map((name) => [name, null]),
    ),
  },
  {
    name: 'the archive has a hole',
    fires: ['PgWardenArchiveHole'],
    series: { [primary('pgwarden_archive_holes')]: '1+0' },
  },
  {
    name: 'the last good drill is nine days old',
    fires: ['PgWardenDrillOld'],
    series: { [standby('pgwarden_drill_last_good_age_seconds')]: `${9 * 86_400}+60` },
  },
  {
    name: 'a drill failed',
    fires: ['PgWardenDrillFailed'],
    series: { [standby('pgwarden_drill_last_success')]: '0+0' },
  },
  {
    name: 'a verification found something',
    fires: ['PgWardenVerifyFailed'],
    series: { [standby('pgwarden_verify_last_success')]: '0+0' },
  },
];

/** The file that `promtool test rules` takes. */
export function promtoolTests(rules: string, cases: readonly AlertCase[]): unknown {
  return {
    rule_files: [rules],
    evaluation_interval: '1m',
    tests: cases.map(({ name, fires, series }) => ({
      name,
      interval: '1m',
      input_series: Object.entries({ ...HEALTHY, ...series }).flatMap(([at, values]) =>
        values === null ? [] : [{ series: at, values: `${values}x${MINUTES}` }],
      ),
      promql_expr_test: [
        {
          expr: 'group by (alertname) (ALERTS{alertstate="firing"})',
          eval_time: `${MINUTES}m`,
          exp_samples: fires.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
        },
      ],
    })),
  };
}
