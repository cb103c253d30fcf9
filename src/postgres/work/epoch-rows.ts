import { isLsn, type Lsn } from '../../ha/lsn.ts';
import type { EpochRow } from '../../ha/view.ts';
import { InterruptedWorkError, PostgresError } from '../errors.ts';
import { send } from '../process/orphans.ts';
import type { LocalServer } from '../sql/local-server.ts';
import type { Session } from '../sql/session.ts';

/** The table of epoch rows; in the database `postgres`. */
export const EPOCH_TABLE = `
create schema if not exists pgwarden;
create table if not exists pgwarden.epoch (
  epoch bigint not null,
  "primary" text not null,
  timeline int not null,
  settled boolean not null,
  cohort text[] not null,
  acks int not null,
  at timestamptz not null default now(),
  primary key (epoch, "primary", timeline, settled)
)`;

// A repeated row is written again, for its commit must wait again: one that changes nothing would wait for nothing.
const INSERT = `
insert into pgwarden.epoch (epoch, "primary", timeline, settled, cohort, acks) values ($1, $2, $3, $4, $5, $6)
on conflict (epoch, "primary", timeline, settled) do update
  set cohort = excluded.cohort, acks = excluded.acks, at = excluded.at`;

export type EpochRowContent = EpochRow & { readonly cohort: readonly string[]; readonly acks: number };

/**
 * Commits an epoch row and waits for the synchronous standbys. Returns an LSN at or after the commit record's end.
 * When the signal fires, the wait is given up: the row is then committed here, acknowledged by nobody.
 */
export async function writeEpochRow(
  server: LocalServer,
  row: Omit<EpochRowContent, 'settled'>,
  signal: AbortSignal,
): Promise<{ readonly lsn: Lsn }> {
  return committing(server, signal, async (session) => {
    await session.query(INSERT, valuesOf({ ...row, settled: false }), signal);
    const [written] = await session.query<{ lsn: string }>(
      'select pg_current_wal_insert_lsn()::text as lsn',
      [],
      signal,
    );
    if (written === undefined || !isLsn(written.lsn)) {
      throw new PostgresError('QUERY_FAILED', 'Postgres tells no insert LSN', 'It is tried again by itself.');
    }
    return { lsn: written.lsn };
  });
}

/**
 * Commits a settled mark. It need not be acknowledged: whoever holds a later commit holds the mark, which lies before
 * it.
 */
export async function writeSettledMark(
  server: LocalServer,
  row: Omit<EpochRowContent, 'settled'>,
  signal: AbortSignal,
): Promise<void> {
  const values = valuesOf({ ...row, settled: true });
  await server.with(
    signal,
    (session) => session.query(INSERT, values, signal),
    undefined,
    '-c synchronous_commit=local',
  );
}

function valuesOf(row: EpochRowContent): readonly unknown[] {
  return [row.epoch, row.primary, row.timeline, row.settled, row.cohort, row.acks];
}

/**
 * Runs `work` on a connection whose commits wait. A backend that waits for standbys does not notice that its client
 * is gone, so when the signal fires it is ended by its pid.
 */
export async function committing<T>(
  server: LocalServer,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
  database?: string,
): Promise<T> {
  return server.with(
    signal,
    async (session) => {
      const { pid } = session;
      try {
        return await work(session);
      } catch (error) {
        if (error instanceof InterruptedWorkError && pid > 0) send(pid, 'SIGTERM');
        throw error;
      }
    },
    database,
    '-c synchronous_commit=on',
  );
}
