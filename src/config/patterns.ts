import type { Pattern } from './leaves.ts';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const HOST = /^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?\.?$/;
const IPV6 = /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*(%[A-Za-z0-9._-]+)?$/;
const PARAMETER = /^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?$/;
const HBA_RULE = /^(local|host|hostssl|hostnossl|hostgssenc|hostnogssenc)\s+\S+\s+\S+\s+\S/;
/** A Unix socket's path is at most 107 bytes (sockaddr_un.sun_path less its zero byte). */
const SOCKET_PATH_MAX = 107;
const POSTGRES_SOCKET = '/.s.PGSQL.65535';
/** NAMEDATALEN - 1. */
const IDENTIFIER_MAX = 63;

export const anyText: Pattern = { test: isPlain, allowed: 'a text of one line' };

export const multilineText: Pattern = {
  test: (value) => value.trim() !== '' && !value.includes('\0'),
  allowed: 'a text',
};

/** RFC 1123 label (a name of a namespace). */
export function dnsLabel(most: number): Pattern {
  return {
    test: (value) => value.length <= most && DNS_LABEL.test(value),
    allowed: `at most ${most} lower-case letters, digits and "-", beginning and ending with a letter or digit (a DNS-1123 label)`,
  };
}

export const absolutePath: Pattern = {
  test: (value) => value.startsWith('/') && isPlain(value),
  allowed: 'an absolute path',
};

export const socketPath: Pattern = {
  test: (value) => absolutePath.test(value) && Buffer.byteLength(value) <= SOCKET_PATH_MAX,
  allowed: `an absolute path of at most ${SOCKET_PATH_MAX} bytes (the limit of a Unix socket)`,
};

export const socketDirectory: Pattern = {
  test: (value) =>
    absolutePath.test(value) &&
    !value.includes(',') &&
    Buffer.byteLength(value + POSTGRES_SOCKET) <= SOCKET_PATH_MAX,
  allowed: `an absolute path without commas of at most ${SOCKET_PATH_MAX - POSTGRES_SOCKET.length} bytes (the limit of a Unix socket)`,
};

export const host: Pattern = {
  test: (value) => value.length <= 253 && (HOST.test(value) || IPV6.test(value)),
  allowed: 'a host name or an IP address',
};

/** As `listen_addresses`: names and addresses between commas, `*` for all. */
export const listenAddresses: Pattern = {
  test: (value) => value.split(',').every((part) => part.trim() === '*' || host.test(part.trim())),
  allowed: 'host names and IP addresses between commas, or "*" for all',
};

export const httpUrl: Pattern = {
  test: (value) => {
    const url = URL.parse(value);
    return (
      url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === ''
    );
  },
  allowed: 'an http:// or https:// URL without user name and password',
};

/** As src/archive reads it (`parseStoreUrl`), which says more about what is wrong. */
export const storeUrl: Pattern = {
  test: (value) =>
    /^s3:\/\/[A-Za-z0-9][A-Za-z0-9._-]+(\/[^?#]*)?$|^file:\/\/\/[^?#]+$/.test(value) && isPlain(value),
  allowed: 's3://bucket/prefix or file:///path',
};

export const userName: Pattern = {
  test: (value) => /^[a-z_][a-z0-9_-]{0,31}$/.test(value),
  allowed: 'the name of a user of the operating system',
};

/** A role or database that Postgres lets be made: `pg_` is reserved. */
export const identifier: Pattern = {
  test: (value) => isPlain(value) && Buffer.byteLength(value) <= IDENTIFIER_MAX && !value.startsWith('pg_'),
  allowed: `a name of at most ${IDENTIFIER_MAX} bytes that does not begin with "pg_"`,
};

export const parameterName: Pattern = {
  test: (value) => PARAMETER.test(value),
  allowed: 'names of Postgres parameters',
};

export const parameterValue: Pattern = {
  test: (value) => value === '' || isPlain(value),
  allowed: 'their values (a text of one line, a number or a boolean)',
};

/** Includes are refused: the agent must be able to see every rule. */
export const hbaRule: Pattern = {
  test: (value) => isPlain(value) && HBA_RULE.test(value),
  allowed: 'one rule of pg_hba.conf: a type (local, host, hostssl, …), database, user, address and method',
};

/** The beginning of a metric's name (Prometheus, "Metric names and labels"); the agent's own are not to be met. */
export const metricPrefix: Pattern = {
  test: (value) =>
    /^(?:[A-Za-z_][A-Za-z0-9_]{0,62})?$/.test(value) &&
    (!value.startsWith('pgwarden_') || value.startsWith('pgwarden_sql_')),
  allowed:
    'a text of letters, digits and "_", empty or not, that does not begin with "pgwarden_" but for "pgwarden_sql_"',
};

/** A Kubernetes label's key: an optional DNS prefix, `/`, and a name. */
export const labelKey: Pattern = {
  test: (value) => {
    const slash = value.indexOf('/');
    const prefix = slash < 0 ? null : value.slice(0, slash);
    const name = value.slice(slash + 1);
    return LABEL_NAME.test(name) && (prefix === null || (prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix)));
  },
  allowed: 'label keys ("name" or "prefix/name")',
};

export const labelValue: Pattern = {
  test: (value) => value === '' || LABEL_NAME.test(value),
  allowed: 'label values (at most 63 letters, digits, "-", "_" and ".")',
};

function isPlain(value: string): boolean {
  if (value === '') return false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 32 || code === 127) return false;
  }
  return true;
}
