import type { TimelineId } from '../../ha/units.ts';
import { LOG_LINE_PREFIX } from '../process/server-log.ts';
import type { HotStandbySensitive } from '../settings/standing.ts';

/** What a recovery of a restored directory is to do. */
export interface RecoverySettings {
  readonly restoreCommand: string;
  /** The settings of the target, each of them named (`recovery_target_time`, …). */
  readonly target: Readonly<Record<string, string>>;
  /** `current`: the backup's own. */
  readonly timeline: TimelineId | 'current';
  /** `pause`: it stands still at the target, and read-only sessions may look. */
  readonly action: 'promote' | 'pause';
  /** By the control file: what shared memory must have room for. */
  readonly required: Readonly<Record<HotStandbySensitive, number>>;
  /** The directory for its socket, which only its owner may enter. */
  readonly runDirectory: string;
  readonly port: number;
}

/**
 * Everything that a Postgres which only recovers is started with, on its command line, which beats what the backup's
 * own files say (guc.h, PGC_S_ARGV): it archives nothing, follows nobody, loads nothing and begins nothing on its own.
 */
export function recoveryParameters(settings: RecoverySettings): Readonly<Record<string, string>> {
  const { restoreCommand, target, timeline, action, required, runDirectory, port } = settings;
  return {
    ...Object.fromEntries(Object.entries(required).map(([name, value]) => [name, String(value)])),
    config_file: `${runDirectory}/postgresql.conf`,
    hba_file: `${runDirectory}/pg_hba.conf`,
    ident_file: `${runDirectory}/pg_ident.conf`,
    listen_addresses: '',
    unix_socket_directories: runDirectory,
    unix_socket_permissions: '0700',
    port: String(port),
    restore_command: restoreCommand,
    ...target,
    recovery_target_timeline: String(timeline),
    recovery_target_action: action,
    hot_standby: action === 'pause' ? 'on' : 'off',
    primary_conninfo: '',
    primary_slot_name: '',
    archive_cleanup_command: '',
    recovery_end_command: '',
    // A restored twin never writes into its source's archive.
    archive_mode: 'off',
    archive_command: '',
    synchronous_standby_names: '',
    // Subscriptions of the source are not to be served from here.
    max_logical_replication_workers: '0',
    autovacuum: 'off',
    shared_preload_libraries: '',
    restart_after_crash: 'off',
    fsync: 'on',
    full_page_writes: 'on',
    wal_log_hints: 'on',
    wal_level: 'replica',
    ssl: 'off',
    external_pid_file: '',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_line_prefix: LOG_LINE_PREFIX,
    log_min_messages: 'warning',
    lc_messages: 'C',
  };
}
