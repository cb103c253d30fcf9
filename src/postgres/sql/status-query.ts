/** One row of pg_stat_replication. */
export interface SenderRow {
  readonly identity: string;
  readonly pid: number;
  readonly state: string | null;
  readonly hasSlot: boolean;
  readonly syncState: string | null;
  readonly sent: string | null;
  readonly flush: string | null;
  readonly replay: string | null;
  /** Only compared with the one before. */
  readonly reply: string | null;
}

/** What the status query returns. */
export interface StatusRow {
  readonly inRecovery: boolean;
  /** Hexadecimal; null in recovery. */
  readonly timeline: string | null;
  readonly flush: string | null;
  readonly receive: string | null;
  readonly replay: string | null;
  readonly checkpointTimeline: number;
  readonly receiver: {
    readonly pid: number;
    readonly status: string;
    readonly timeline: number | null;
    /** Milliseconds since the last message, by the server's clock, and the message's time, for comparison. */
    readonly heardAgo: number | null;
    readonly heard: string | null;
  } | null;
  /** A walreceiver process exists, streaming or not. */
  readonly receiverRuns: boolean;
  readonly startupWait: string | null;
  readonly follows: string | null;
  readonly names: string;
  readonly senders: readonly SenderRow[];
  /** Sessions that wait for the quorum. */
  readonly waiting: number;
  /** Sessions that wait for WAL to be written or flushed here. */
  readonly waitingForFlush: number;
  readonly rolesExist: boolean;
  readonly tableExists: boolean;
  /** Milliseconds since the commit of the last replayed transaction. */
  readonly replayedAgo: number | null;
  /** The newest row of pgwarden.epoch (a settled mark is the later of an epoch's two); absent without the table. */
  readonly lastRow?: {
    readonly epoch: number;
    readonly primary: string;
    readonly timeline: number;
    readonly settled: boolean;
  } | null;
  readonly settledEpoch?: number;
}

/**
 * Everything that a look needs, in one round trip. `recovery` is materialized so that one look sees one answer: a
 * promotion may come in between. With `withEpochs` the table pgwarden.epoch must exist. $1: the roles, $2: the database, that `prepare` makes.
 */
export function statusQuery(withEpochs: boolean): string {
  return `
with recovery as materialized (select pg_is_in_recovery() as on)
select json_build_object(
  'inRecovery', recovery.on,
  'timeline', case when not recovery.on then substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end,
  'flush', case when not recovery.on then pg_current_wal_flush_lsn() end,
  'receive', pg_last_wal_receive_lsn(),
  'replay', pg_last_wal_replay_lsn(),
  'checkpointTimeline', (select timeline_id from pg_control_checkpoint()),
  'receiver', (select json_build_object('pid', pid, 'status', status, 'timeline', received_tli,
      'heardAgo', extract(epoch from clock_timestamp() - last_msg_receipt_time) * 1000,
      'heard', last_msg_receipt_time)
    from pg_stat_wal_receiver),
  'receiverRuns', activity.receivers > 0,
  'startupWait', activity.startup_wait,
  'follows', nullif(current_setting('pgwarden.follows', true), ''),
  'names', current_setting('synchronous_standby_names'),
  'senders', (select coalesce(json_agg(json_build_object('identity', application_name, 'pid', pid,
      'state', state, 'hasSlot', exists(select from pg_replication_slots where active_pid = pid), 'syncState', sync_state, 'sent', sent_lsn, 'flush', flush_lsn, 'replay', replay_lsn,
      'reply', reply_time)), '[]')
    from pg_stat_replication),
  'waiting', activity.waiting,
  'waitingForFlush', activity.waiting_for_flush,
  'rolesExist', (select count(*) from pg_roles where rolname = any($1::text[])) = cardinality($1::text[])
    and exists (select from pg_database where datname = $2),
  'tableExists', to_regclass('pgwarden.epoch') is not null,
  'replayedAgo', extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000${
    withEpochs ? EPOCHS : ''
  }
) as status
from recovery, (
  select count(*) filter (where backend_type = 'walreceiver') as receivers,
    max(wait_event) filter (where backend_type = 'startup') as startup_wait,
    count(*) filter (where wait_event = 'SyncRep') as waiting,
    count(*) filter (where backend_type = 'client backend' and lower(wait_event) in (${FLUSH_WAITS})) as waiting_for_flush
  from pg_stat_activity
) as activity`;
}

/**
 * Wait events of a commit whose WAL is not on this disk yet: the write, the sync, the lock around both, and a new segment
 * (documentation, "Wait Events"). In small letters: 17 spells some of them differently.
 */
const FLUSH_WAITS = ['walwrite', 'walsync', 'walsyncmethodassign', 'walinitwrite', 'walinitsync', 'walinsert']
  .map((event) => `'${event}'`)
  .join(', ');

const EPOCHS = `,
  'lastRow', (select json_build_object('epoch', epoch, 'primary', "primary", 'timeline', timeline, 'settled', settled)
    from pgwarden.epoch order by epoch desc, settled desc, at desc limit 1),
  'settledEpoch', (select coalesce(max(epoch), 0) from pgwarden.epoch where settled)`;
