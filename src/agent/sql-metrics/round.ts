import { elapsed, type Millis, millis } from '../../ha/units.ts';
import type { MetricFamily } from '../../http/exposition.ts';
import type { Clock } from '../../kubernetes/clock.ts';
import type { Session } from '../../postgres/sql/session.ts';
import { needsListing, targetDatabases } from './databases.ts';
import type { MetricQuery } from './definition.ts';
import { familiesOf, type Row } from './families.ts';
import { runQuery } from './run-query.ts';
import { type ServerVersion, serverVersion } from './version-range.ts';

export interface RoundParts {
  /** A session for the user's queries; the round closes it. */
  open(database: string): Promise<Session>;
  readonly applicationDatabase: string;
  readonly isPrimary: boolean;
  readonly timeout: Millis;
  readonly clock: Clock;
}

/** What one query's run gave. Null families: it must not run on this server, which is no failure. */
export interface QueryRun {
  readonly query: MetricQuery;
  readonly families: readonly MetricFamily[] | null;
  readonly errors: readonly string[];
  readonly duration: Millis;
}

/**
 * Runs queries one after another, over one connection a database, which is closed at the end: nothing stays open between
 * rounds. Rejects only where nothing could be asked at all.
 */
export async function runRound(
  queries: readonly MetricQuery[],
  parts: RoundParts,
  signal: AbortSignal,
): Promise<readonly QueryRun[]> {
  const asked = await askServer(queries, parts, signal);
  const runs = queries.map((query) => new Collected(query, isWanted(query, parts.isPrimary, asked.version)));
  const places = new Map<string, Collected[]>();
  for (const run of runs.filter(({ isWanted }) => isWanted)) {
    const { databases } = run.query;
    const wanted = databases.length === 0 ? [parts.applicationDatabase] : databases;
    for (const database of targetDatabases(wanted, asked.databases))
      places.set(database, [...(places.get(database) ?? []), run]);
  }
  for (const [database, here] of places) await runIn(database, here, parts, signal);
  return runs.map((run) => run.end());
}

class Collected {
  readonly query: MetricQuery;
  readonly isWanted: boolean;
  readonly rows: Row[] = [];
  readonly errors: string[] = [];
  duration = 0;

  constructor(query: MetricQuery, isWanted: boolean) {
    this.query = query;
    this.isWanted = isWanted;
  }

  end(): QueryRun {
    const { query, errors } = this;
    const duration = millis(this.duration);
    if (!this.isWanted) return { query, families: null, errors, duration };
    try {
      return { query, families: familiesOf(query, this.rows), errors, duration };
    } catch (error) {
      return { query, families: [], errors: [...errors, messageOf(error)], duration };
    }
  }
}

function isWanted(query: MetricQuery, isPrimary: boolean, version: ServerVersion): boolean {
  if (query.onPrimary && !isPrimary) return false;
  return query.versions === null || query.versions(version);
}

/** The server's version, and its databases where a pattern asks for them. */
async function askServer(
  queries: readonly MetricQuery[],
  { open }: RoundParts,
  signal: AbortSignal,
): Promise<{ readonly version: ServerVersion; readonly databases: readonly string[] }> {
  const session = await open('postgres');
  try {
    const [row] = await session.query<{ version: number; databases: string[] }>(
      `select current_setting('server_version_num')::int as version, case when $1::boolean then array(
         select datname::text from pg_database
         where datallowconn and not datistemplate and has_database_privilege(oid, 'connect') order by 1
       ) else '{}' end as databases`,
      [queries.some(({ databases }) => needsListing(databases))],
      signal,
    );
    return { version: serverVersion(row?.version ?? 0), databases: row?.databases ?? [] };
  } finally {
    session.close();
  }
}

async function runIn(
  database: string,
  runs: readonly Collected[],
  { open, timeout, clock }: RoundParts,
  signal: AbortSignal,
): Promise<void> {
  let session: Session | null = null;
  try {
    for (const [index, run] of runs.entries()) {
      // One that did not answer took its connection with it.
      if (session === null || session.broken) {
        const opened = await opening(open(database));
        if (typeof opened === 'string') {
          for (const left of runs.slice(index)) left.errors.push(`in ${database}: ${opened}`);
          return;
        }
        session = opened;
      }
      const startedAt = clock.now();
      try {
        run.rows.push(...(await runQuery(session, run.query, `metric${index}`, timeout, signal)));
      } catch (error) {
        run.errors.push(`in ${database}: ${messageOf(error)}`);
      }
      run.duration += elapsed(startedAt, clock.now());
    }
  } finally {
    session?.close();
  }
}

/** The session, or why there is none. */
async function opening(session: Promise<Session>): Promise<Session | string> {
  try {
    return await session;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
