import type { InstanceOptions } from '../ports.ts';
import { LOG_LINE_PREFIX } from '../process/server-log.ts';
import type { VolumePaths } from '../volume/paths.ts';

/** What a standby's synchronous_standby_names is until a promotion: never empty, and nobody can satisfy it. */
export const NOBODY = 'ANY 1 ("nobody")';

/**
 * The settings that nothing may change while Postgres runs. They go on the postmaster's command line, which beats
 * every file, ALTER SYSTEM included (guc.h, GucSource: PGC_S_ARGV comes after PGC_S_FILE).
 */
export function standingSettings(
  options: InstanceOptions,
  paths: VolumePaths,
): Readonly<Record<string, string>> {
  return {
    config_file: paths.configurationFile,
    hba_file: paths.hbaFile,
    ident_file: paths.identFile,
    port: String(options.port),
    listen_addresses: options.listenAddresses,
    unix_socket_directories: options.socketDirectory,
    unix_socket_permissions: '0777',
    // A crash ends the postmaster: whether it may serve again is for the cluster to say.
    restart_after_crash: 'off',
    exit_on_error: 'off',
    // pg_rewind needs it where data checksums are off.
    wal_log_hints: 'on',
    full_page_writes: 'on',
    fsync: 'on',
    hot_standby: 'on',
    // A promoted standby's timeline is chosen by the cluster; a recovery target would end replay early.
    recovery_target_timeline: 'latest',
    recovery_target: '',
    recovery_target_lsn: '',
    recovery_target_name: '',
    recovery_target_time: '',
    recovery_target_xid: '',
    ...(options.binaries.major < 16 ? { promote_trigger_file: '' } : {}),
    wal_receiver_timeout: `${2 * options.suspectAfter}ms`,
    wal_receiver_status_interval: '1s',
    max_slot_wal_keep_size: options.maxSlotWalKeepSize,
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: LOG_LINE_PREFIX,
    lc_messages: 'C',
    ...archiving(options),
    ...(options.binaries.major >= 17 ? { allow_alter_system: 'off' } : {}),
    ...(options.binaries.major >= 17 && options.summarizeWal === true ? { summarize_wal: 'on' } : {}),
  };
}

/**
 * `always`: a standby keeps what is not archived yet, so that it can archive it should it take over. A library would be
 * asked in the command's place (Postgres 15 and later).
 */
function archiving({ archiveCommand, binaries }: InstanceOptions): Record<string, string> {
  if (archiveCommand === undefined) return { archive_mode: 'off' };
  const settings = { archive_mode: 'always', archive_command: archiveCommand };
  return binaries.major >= 15 ? { ...settings, archive_library: '' } : settings;
}

/** Settings that the agent writes to its file as the state of the cluster asks, or that no file may carry. */
const DYNAMIC: Readonly<Record<string, string>> = {
  synchronous_standby_names: 'the cohort of the cluster decides whose acknowledgement counts',
  primary_conninfo: 'the cluster decides whom a standby follows',
  primary_slot_name: 'the slot of the member is chosen by the agent',
  restore_command: 'the archive is configured under its own section',
  archive_cleanup_command: 'WAL on a standby is kept by slots',
  recovery_end_command: 'the agent runs what a promotion needs',
  recovery_target_action: 'recovery targets belong to a restore',
  recovery_target_inclusive: 'recovery targets belong to a restore',
  wal_retrieve_retry_interval: 'it is set by whether the member follows somebody',
  data_directory: 'the layout of the volume is fixed',
  synchronized_standby_slots: 'the cohort of the cluster decides whom logical subscribers wait for',
  ssl: 'TLS is configured under its own section',
  ssl_cert_file: 'TLS is configured under its own section',
  ssl_key_file: 'TLS is configured under its own section',
  ssl_ca_file: 'TLS is configured under its own section',
};

const STANDING_REASON = 'the agent fixes it on the command line of Postgres';

/** Why the agent owns a parameter; null: it is the user's. */
export function ownedBecause(name: string, options: InstanceOptions, paths: VolumePaths): string | null {
  const lower = name.toLowerCase();
  if (lower in DYNAMIC) return DYNAMIC[lower] ?? null;
  if (lower in standingSettings(options, paths)) return STANDING_REASON;
  return lower.startsWith('pgwarden.') ? 'the prefix is reserved' : null;
}

/** The names of parameters that the agent owns although they are not on the command line. */
export const DYNAMIC_NAMES: readonly string[] = Object.keys(DYNAMIC);

/** Defaults that a user's parameter replaces. */
export const DEFAULT_PARAMETERS: Readonly<Record<string, string>> = {
  wal_level: 'replica',
  max_wal_senders: '16',
  max_replication_slots: '32',
  wal_keep_size: '128MB',
  wal_sender_timeout: '5s',
  password_encryption: 'scram-sha-256',
  // A client that is gone must not hold a slot or a lock for hours.
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  client_connection_check_interval: '10s',
};

/** A standby must not have less of these than its primary (documentation, "Administrator's Overview" of hot standby). */
export const HOT_STANDBY_SENSITIVE = [
  'max_connections',
  'max_worker_processes',
  'max_wal_senders',
  'max_prepared_transactions',
  'max_locks_per_transaction',
] as const;

export type HotStandbySensitive = (typeof HOT_STANDBY_SENSITIVE)[number];
