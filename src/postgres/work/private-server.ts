import pg from 'pg';
import { PostgresError } from '../errors.ts';

/** A server that only this program can reach, by its socket. */
export interface PrivateServer {
  readonly socketDirectory: string;
  readonly port: number;
}

/** Milliseconds. */
const ANSWER_WITHIN = 30_000;
const NO_SUCH_ROLE = new Set(['28000', '28P01']);

/**
 * Asks a private server as its superuser.
 *
 * @throws PostgresError where that is no role there, or nobody answers
 */
export async function askPrivately<Row extends pg.QueryResultRow>(
  server: PrivateServer,
  superuser: string,
  statement: string,
): Promise<Row[]> {
  const client = new pg.Client({
    host: server.socketDirectory,
    port: server.port,
    user: superuser,
    database: 'postgres',
    connectionTimeoutMillis: ANSWER_WITHIN,
    query_timeout: ANSWER_WITHIN,
  });
  // A connection that breaks is told by the query.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(statement)).rows;
  } catch (error) {
    const state = error instanceof pg.DatabaseError ? (error.code ?? null) : null;
    throw new PostgresError(
      'QUERY_FAILED',
      `the restored data cannot be asked as ${superuser}: ${error instanceof Error ? error.message : String(error)}`,
      state !== null && NO_SUCH_ROLE.has(state)
        ? 'Set postgres.superuser.name to the superuser of the cluster that this was restored from.'
        : 'It is tried again by itself.',
      { cause: error },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
