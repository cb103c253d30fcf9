import { PostgresError } from '../errors.ts';
import { childrenOf } from '../process/children.ts';
import { send } from '../process/orphans.ts';
import type { Session } from '../sql/session.ts';
import { bounded, until } from '../wait.ts';
import { type Running, reloadProven } from './reload.ts';

const SWEEP_BOUND_MS = 10_000;
const SWEEP_INTERVAL_MS = 10;

/** Sessions of clients: not the agent's, nor the replication role's (walsenders, and pg_rewind's connection). */
const CLIENT_SESSIONS = `
backend_type in ('client backend', 'walsender') and pid <> all($1::int[]) and usename is distinct from $2`;

/**
 * Closes the door: pg_hba.conf admits only the agent and replication, then every other session is ended. Returns when
 * none is left, nor any connection that was forked under the old rules and is still authenticating (it is in no
 * view, and could become a session up to authentication_timeout later).
 */
export async function closeDoor(
  running: Running,
  replicationRole: string,
  signal: AbortSignal,
): Promise<void> {
  const limit = bounded(SWEEP_BOUND_MS, signal);
  await reloadProven(running, { open: false }, limit);
  await running.server.with(limit, (session) => endClientSessions(running, session, replicationRole, limit));
}

/** What `closeDoor` does once the postmaster has read the closed pg_hba.conf. */
export async function endClientSessions(
  running: Running,
  session: Session,
  replicationRole: string,
  limit: AbortSignal,
): Promise<void> {
  await requireReadableHba(session, limit);
  let unknown: ReadonlySet<number> | null = null;
  await until('ending client sessions', SWEEP_INTERVAL_MS, limit, async () => {
    const children = await childrenOf(running.postmaster.pid);
    const rows = await session.query<{ pid: number; client: boolean }>(
      `select pid, (${CLIENT_SESSIONS}) as client from pg_stat_activity`,
      [running.server.ownPids, replicationRole],
      limit,
    );
    const shown = new Set(rows.map((row) => row.pid));
    const clients = rows.filter((row) => row.client).map((row) => row.pid);
    if (clients.length > 0) {
      await session.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [clients], limit);
    }
    // Of the processes that no view shows, those of the first look were forked under unknown rules; later ones
    // under the new.
    const hidden = children.filter((pid) => !shown.has(pid));
    unknown ??= new Set(hidden);
    const old = hidden.filter((pid) => unknown?.has(pid));
    for (const pid of old) send(pid, 'SIGTERM');
    return clients.length === 0 && old.length === 0 ? true : null;
  });
}

export async function openDoor(running: Running, signal: AbortSignal): Promise<void> {
  const limit = bounded(SWEEP_BOUND_MS, signal);
  await reloadProven(running, { open: true }, limit);
  await running.server.with(limit, (session) => requireReadableHba(session, limit));
}

/** A pg_hba.conf with an error is not taken up (hba.c, load_hba): the old rules would stay in force unnoticed. */
async function requireReadableHba(session: Session, signal: AbortSignal): Promise<void> {
  const errors = await session.query<{ line: number; error: string }>(
    'select line_number as line, error from pg_hba_file_rules where error is not null limit 1',
    [],
    signal,
  );
  const first = errors[0];
  if (first === undefined) return;
  throw new PostgresError(
    'PARAMETER_REFUSED',
    `pg_hba.conf line ${first.line}: ${first.error}`,
    'Correct the rules under postgres.hba.',
  );
}
