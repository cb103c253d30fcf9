import type { Millis } from '../../ha/units.ts';
import type { Session } from '../../postgres/sql/session.ts';
import { bounded } from '../../postgres/wait.ts';
import { QueryResultError } from './errors.ts';
import type { Row } from './families.ts';

/** More series than that of one query would be a mistake, and all of them are held in memory. */
export const MOST_ROWS = 10_000;
/** What the server has on top of the time of a query, to say that it is over; in milliseconds. */
const ANSWER = 1_000;

/** Settings of a session for the user's queries, as in PGOPTIONS: bounded by the server itself, whatever comes. */
export function sessionOptions(timeout: Millis): string {
  return [
    'default_transaction_read_only=on',
    `statement_timeout=${timeout}`,
    `idle_in_transaction_session_timeout=${timeout}`,
    // Who waits for a lock would be waited for by the next.
    `lock_timeout=${Math.min(timeout, 1_000)}`,
    'max_parallel_workers_per_gather=0',
    'standard_conforming_strings=on',
  ]
    .map((setting) => `-c ${setting}`)
    .join(' ');
}

/**
 * The rows of one query, in a transaction of its own that reads only. Each text is one statement (the extended protocol
 * takes no second one, so none can end the transaction), read by a cursor so that a table's worth of rows stays where
 * it is. `id`: unlike that of every other query of this session.
 * @throws QueryResultError, PostgresError; InterruptedWorkError where the server did not answer: the session is then over
 */
export async function runQuery(
  session: Session,
  query: { readonly text: string; readonly predicate: string | null },
  id: string,
  timeout: Millis,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const limit = bounded(timeout + ANSWER, signal);
  await session.query('begin transaction read only', [], limit);
  try {
    if (query.predicate !== null && !(await isTrue(session, query.predicate, `${id}p`, limit))) return [];
    const rows = await read(session, query.text, id, MOST_ROWS + 1, limit);
    if (rows.length > MOST_ROWS)
      throw new QueryResultError(`the query gives more than ${MOST_ROWS} rows; let it count, or limit it`);
    return rows;
  } finally {
    // Without it the next query would run in this transaction, so a session that cannot is of no use.
    if (!session.broken) await session.query('rollback', [], limit).catch(() => session.destroy());
  }
}

async function isTrue(session: Session, text: string, id: string, signal: AbortSignal): Promise<boolean> {
  const [row] = await read(session, text, id, 1, signal);
  const [value] = row === undefined ? [] : Object.values(row);
  if (value === undefined || value === null || value === false) return false;
  if (value !== true) throw new QueryResultError('predicate_query returns no boolean');
  return true;
}

async function read(
  session: Session,
  text: string,
  id: string,
  most: number,
  signal: AbortSignal,
): Promise<Row[]> {
  await session.query(`declare ${id} no scroll cursor for ${text}`, [], signal, id);
  return await session.query<Row>(`fetch ${most} from ${id}`, [], signal);
}
