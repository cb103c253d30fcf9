const DECIDED = 'the agent decides it by the protocol';
const FOLLOWING = 'the agent writes it when this member follows a primary';
const LAYOUT = 'the agent lays out the files of Postgres';
const LOGGING = "Postgres's log goes through the agent's, as JSON lines";
const ARCHIVE = 'the agent archives and fetches WAL itself';
const INCLUDE = 'it is no parameter: the agent must see every setting; give the parameters here';
const CONFLICTS =
  'a takeover must not wait for queries on the standby; set hot_standby_feedback to protect them';
const RECEIVER = 'it follows from ha.suspectAfter';

/** Parameters that the protocol owns, and why. Names in lower case; some exist in some of 14 to 18 only. */
export const OWNED_PARAMETERS: Readonly<Record<string, string>> = {
  // Acknowledgement and roles.
  synchronous_standby_names: `${DECIDED}; set ha.durability and ha.acks`,
  synchronized_standby_slots: `${DECIDED}: logical subscribers never get ahead of the quorum`,
  sync_replication_slots: `${DECIDED}: logical slots survive a failover`,
  restart_after_crash: 'a crashed primary must end, so that another can take over',
  wal_log_hints: 'pg_rewind needs it',
  hot_standby: 'the agent asks its standby through SQL',
  allow_alter_system: 'settings come from this configuration; what is changed behind it is reverted',
  promote_trigger_file: 'only the agent promotes',
  recovery_min_apply_delay: 'a takeover would have to wait for it',
  idle_replication_slot_timeout: 'it would drop the slots that standbys keep for each other',
  max_slot_wal_keep_size: 'set slots.maxSlotWalKeepSize',
  cluster_name: 'it carries the name of the member',

  // Following.
  primary_conninfo: FOLLOWING,
  primary_slot_name: FOLLOWING,
  wal_receiver_timeout: RECEIVER,
  wal_receiver_status_interval: 'the primary counts on a sign of life every second',
  wal_receiver_create_temp_slot: 'every member has a slot of its own',
  wal_retrieve_retry_interval: 'a standby must follow a new primary without delay',
  max_standby_streaming_delay: CONFLICTS,
  max_standby_archive_delay: CONFLICTS,

  // Archive and recovery.
  archive_mode: ARCHIVE,
  archive_command: ARCHIVE,
  archive_library: ARCHIVE,
  archive_cleanup_command: ARCHIVE,
  restore_command: ARCHIVE,
  recovery_end_command: ARCHIVE,

  // Files and addresses.
  data_directory: `${LAYOUT}; set volume`,
  config_file: LAYOUT,
  hba_file: `${LAYOUT}; set postgres.hba`,
  ident_file: LAYOUT,
  external_pid_file: LAYOUT,
  listen_addresses: 'set postgres.listenAddresses',
  port: 'set postgres.port',
  unix_socket_directories: 'set postgres.socketDirectory',
  unix_socket_permissions: 'the agent connects through the socket',
  unix_socket_group: 'the agent connects through the socket',
  include: INCLUDE,
  include_if_exists: INCLUDE,
  include_dir: INCLUDE,

  // Logging.
  logging_collector: LOGGING,
  log_destination: LOGGING,
  log_line_prefix: LOGGING,
};

/** Owned by the beginning of the name. */
export const OWNED_PREFIXES: readonly (readonly [prefix: string, reason: string])[] = [
  ['recovery_target', 'a restore to a point in time is asked of the agent, not of Postgres'],
];
