import type { PoolerState } from './decide.ts';
import type { Address } from './topology.ts';

export interface IniOptions {
  readonly databases: readonly string[];
  readonly listen: string;
  readonly port: number;
  readonly directory: string;
  readonly poolMode: 'transaction' | 'session';
  readonly poolSize: number;
  readonly clients: number;
  /** Who asks the database for passwords of users that are not in the list of users; null: nobody. */
  readonly authUser: string | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export const ADMIN = 'pgwarden_pooler';

/** The whole pgbouncer.ini (documentation of PgBouncer, "config"). */
export function renderIni(options: IniOptions, state: PoolerState): string {
  const { directory, tls } = options;
  const lines = [
    '; Written by pgwarden pooler: changes are lost.',
    '[databases]',
    ...options.databases.flatMap((name) => databaseLines(name, state)),
    '[pgbouncer]',
    `listen_addr = ${options.listen}`,
    `listen_port = ${options.port}`,
    `unix_socket_dir = ${directory}`,
    `auth_file = ${directory}/userlist.txt`,
    'auth_type = scram-sha-256',
    ...(options.authUser === null
      ? []
      : [
          `auth_user = ${options.authUser}`,
          'auth_query = SELECT name, secret FROM pgwarden_pooler.login($1)',
        ]),
    `admin_users = ${ADMIN}`,
    `stats_users = ${ADMIN}`,
    `pool_mode = ${options.poolMode}`,
    `default_pool_size = ${options.poolSize}`,
    `max_client_conn = ${options.clients}`,
    // pgjdbc and others send it; with a pooler of transactions it can have no effect.
    'ignore_startup_parameters = extra_float_digits',
    // A server that is not there yet is tried again at once: after a failover it is a matter of moments.
    'server_login_retry = 0.05',
    'server_connect_timeout = 2',
    // A node that is gone answers nothing, not even with an error.
    'tcp_user_timeout = 2000',
    'tcp_keepalive = 1',
    'tcp_keepidle = 1',
    'tcp_keepintvl = 1',
    'tcp_keepcnt = 2',
    'server_tls_sslmode = prefer',
    ...(tls === null
      ? []
      : [
          'client_tls_sslmode = require',
          `client_tls_cert_file = ${tls.cert}`,
          `client_tls_key_file = ${tls.key}`,
        ]),
    'log_connections = 0',
    'log_disconnections = 0',
    'log_stats = 0',
  ];
  return `${lines.join('\n')}\n`;
}

/** The database by its own name on the primary, and as NAME_ro on standbys (the primary where there is none). */
function databaseLines(name: string, { primary, standbys }: PoolerState): readonly string[] {
  if (primary === null) return [];
  // PgBouncer takes several hosts, but one port.
  const first = standbys[0] ?? primary;
  const readers = standbys.filter(({ port }) => port === first.port);
  const hosts = (readers.length === 0 ? [first] : readers).map(({ host }) => host);
  return [
    `${name} = ${place(primary, name)}`,
    `${name}_ro = ${place({ host: hosts.join(','), port: first.port }, name)}`,
  ];
}

function place({ host, port }: Address, name: string): string {
  return `host=${host} port=${port} dbname=${name}`;
}

/**
 * Whether PgBouncer can have it in its file, where names cannot be quoted whatever its documentation says (1.18, 1.24:
 * libusual's cfparser.c). `*` would be every database.
 */
export function isPoolable(name: string): boolean {
  return /^[A-Za-z0-9_.-]+$/.test(name);
}

/** The list of users (documentation of PgBouncer, "Authentication file format"). */
export function renderUsers(users: readonly { readonly name: string; readonly password: string }[]): string {
  const text = (value: string): string => `"${value.replaceAll('"', '""')}"`;
  return users.map(({ name, password }) => `${text(name)} ${text(password)}\n`).join('');
}
