import { join } from 'node:path';
import type { MemberIncarnation } from '../../ha/member.ts';
import type { InstanceOptions, InstanceSettings, Upstream } from '../ports.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { conninfo, quoteSetting } from './quoting.ts';
import { slotName } from './slot-name.ts';
import { DEFAULT_PARAMETERS } from './standing.ts';

/** What the agent's postgresql.conf says beyond what is fixed on the command line. */
export interface FileContent {
  readonly settings: InstanceSettings;
  readonly synchronousStandbyNames: string;
  readonly upstream: Upstream | null;
  /** Who we are for the upstream; null: no data yet. */
  readonly identity: MemberIncarnation | null;
  /** Ask the upstream for the slot of this identity. */
  readonly useSlot: boolean;
  /** Replay must not wait for sessions: this member may be needed as the primary at once. */
  readonly hurryReplay: boolean;
  /**
   * New WAL segments are not filled with zeros: a follower's first of a new timeline is made while the epoch row, and
   * with it every client, waits for it; and so is the one that an archiving primary switches to as it stops. Not for long: where the volume is full, a sparse segment ends in a PANIC
   * (walreceiver.c, XLogWalRcvWrite), a filled one in a receiver that tries again.
   */
  readonly sparseSegments: boolean;
  /** WAL that the upstream no longer has comes from the archive. */
  readonly fromArchive: boolean;
  /** Values that replace the user's, e.g. of settings that must not be below the primary's. */
  readonly overrides: Readonly<Record<string, string>>;
  /** A new connection that shows this value proves that the postmaster has read this very file and pg_hba.conf. */
  readonly generation: string;
}

/** While it follows nobody, the startup process looks for work at this interval; a reload or a promotion wakes it. */
const RETRY_IDLE = '5s';
const RETRY_FOLLOWING = '50ms';
/** Each look costs a question to the archive. */
const RETRY_FETCHING = '1s';

/** The text of the agent's postgresql.conf: PGDATA's own first (locale, time zone of initdb), ours win. */
export function renderConfiguration(
  content: FileContent,
  options: InstanceOptions,
  paths: VolumePaths,
): string {
  const parameters: Record<string, string> = {
    ...DEFAULT_PARAMETERS,
    ...lowerCaseKeys(content.settings.parameters),
    ...content.overrides,
    ...(content.hurryReplay ? { max_standby_streaming_delay: '0', max_standby_archive_delay: '0' } : {}),
    ...(content.sparseSegments ? { wal_init_zero: 'off' } : {}),
    ...tlsParameters(content.settings),
    synchronous_standby_names: content.synchronousStandbyNames,
    primary_conninfo: primaryConninfo(content, options, paths),
    primary_slot_name: slotOf(content),
    restore_command: isFetching(content) ? (options.restoreCommand ?? '') : '',
    wal_retrieve_retry_interval: retryInterval(content),
    'pgwarden.follows': content.upstream?.identity ?? '',
    'pgwarden.generation': content.generation,
  };
  return [
    '# Written by pgwarden; a change made here is lost.',
    `include_if_exists ${quoteSetting(join(paths.data, 'postgresql.conf'))}`,
    ...Object.entries(parameters).map(([name, value]) => `${name} = ${quoteSetting(value)}`),
    '',
  ].join('\n');
}

/** Never while nobody is followed: who promised or is about to lead takes WAL from nowhere. */
function isFetching({ upstream, fromArchive }: FileContent): boolean {
  return upstream !== null && fromArchive;
}

function retryInterval(content: FileContent): string {
  if (content.upstream === null) return RETRY_IDLE;
  return isFetching(content) ? RETRY_FETCHING : RETRY_FOLLOWING;
}

/** The names that the rendered file sets: an ALTER SYSTEM entry on one of these overrides the agent. */
export function namesInFile(settings: InstanceSettings): readonly string[] {
  return [...Object.keys(DEFAULT_PARAMETERS), ...Object.keys(lowerCaseKeys(settings.parameters))];
}

function primaryConninfo(content: FileContent, options: InstanceOptions, paths: VolumePaths): string {
  const { upstream, identity } = content;
  if (upstream === null || identity === null) return '';
  return replicationConninfo(upstream, options, paths, {
    application_name: identity,
    connect_timeout: 2,
    keepalives: 1,
    keepalives_idle: 2,
    keepalives_interval: 1,
    keepalives_count: 3,
    tcp_user_timeout: Math.max(1_000, 2 * options.suspectAfter),
    // The default asks first for TLS and takes what the upstream has; GSSAPI would cost a round trip more.
    gssencmode: 'disable',
  });
}

/**
 * For a copy of data: a source that was cut off, or whose machine is gone, is noticed within 15 s. A reader has nothing
 * unacknowledged to notice it by, and the keepalives of the system's default begin after two hours.
 */
export const NOTICES_LOSS = {
  connect_timeout: 5,
  keepalives: 1,
  keepalives_idle: 5,
  keepalives_interval: 2,
  keepalives_count: 5,
  tcp_user_timeout: 15_000,
} as const;

/** A conninfo of the replication role; the password stays in the pgpass file. */
export function replicationConninfo(
  upstream: Upstream,
  options: InstanceOptions,
  paths: VolumePaths,
  more: Readonly<Record<string, string | number>>,
): string {
  return conninfo({
    host: upstream.host,
    port: upstream.port,
    user: options.replication.name,
    passfile: paths.passFile,
    ...more,
  });
}

function slotOf(content: FileContent): string {
  return content.useSlot && content.upstream !== null && content.identity !== null
    ? slotName(content.identity)
    : '';
}

function tlsParameters(settings: InstanceSettings): Record<string, string> {
  const { tls } = settings;
  if (tls === null) return { ssl: 'off' };
  return {
    ssl: 'on',
    ssl_cert_file: tls.certificateFile,
    ssl_key_file: tls.keyFile,
    ssl_ca_file: tls.caFile ?? '',
  };
}

function lowerCaseKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name.toLowerCase(), value]));
}
