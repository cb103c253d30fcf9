import type { InstanceOptions, InstanceSettings } from '../ports.ts';
import { quoteHba } from './quoting.ts';

const MAP = 'pgwarden';

/** How the agent itself comes in over the Unix socket. */
export interface LocalAccess {
  /** The operating-system user; null where it has no name (an arbitrary uid): then the password is asked for. */
  readonly osUser: string | null;
}

/**
 * pg_hba.conf. Closed: the agent over the Unix socket, and the replication role, nobody else. Open: the user's rules
 * and the defaults follow. The agent's lines always come first, so that no rule can lock it out.
 */
export function renderHba(
  open: boolean,
  options: InstanceOptions,
  settings: InstanceSettings,
  access: LocalAccess,
): string {
  const superuser = quoteHba(options.superuser.name);
  const replication = quoteHba(options.replication.name);
  const local = access.osUser === null ? 'scram-sha-256' : `peer map=${MAP}`;
  const lines = [
    '# Written by pgwarden; a change made here is lost.',
    `local all ${superuser} ${local}`,
    `host replication ${replication} all scram-sha-256`,
    // pg_rewind reads files through an ordinary connection.
    `host postgres ${replication} all scram-sha-256`,
  ];
  if (open) {
    lines.push(...settings.hba, 'local all all scram-sha-256');
    // The user's own rules are all there are: a rule behind them would let in whom they leave out.
    if (settings.hba.length === 0) lines.push('host all all all scram-sha-256');
  }
  return `${lines.join('\n')}\n`;
}

export function renderIdent(options: InstanceOptions, access: LocalAccess): string {
  if (access.osUser === null) return '';
  return `${MAP} ${quoteHba(access.osUser)} ${quoteHba(options.superuser.name)}\n`;
}

/** The pgpass file of the replication role (libpq, "The Password File"). */
export function renderPassfile(options: InstanceOptions): string {
  const escaped = (text: string): string => text.replace(/[\\:]/g, '\\$&');
  return `*:*:*:${escaped(options.replication.name)}:${escaped(options.replication.password())}\n`;
}
