import { randomBytes } from 'node:crypto';
import type { Configuration } from '../../config/configuration.ts';
import { type Instant, instant, type Millis, millis } from '../../ha/units.ts';
import { exposition } from '../../http/exposition.ts';
import type { QueriesReport } from '../../http/metrics-queries.ts';
import type { Clock } from '../../kubernetes/clock.ts';
import { Wakeup } from '../../kubernetes/wakeup.ts';
import { localAccess } from '../../postgres/sql/local-access.ts';
import { Session } from '../../postgres/sql/session.ts';
import { bounded } from '../../postgres/wait.ts';
import type { Log } from '../log.ts';
import type { MetricQuery } from './definition.ts';
import { Outcomes } from './outcomes.ts';
import { QuerySource } from './query-source.ts';
import { ensureRole, METRICS_ROLE, metricsPassword } from './role.ts';
import { runRound } from './round.ts';
import { sessionOptions } from './run-query.ts';

/** In milliseconds: how often files are looked at, how long connecting may take, and pauses after a failure. */
const PACE = 5_000;
const CONNECT = 5_000;
const PAUSE_MOST = 300_000;

export interface SqlMetricsOptions {
  readonly postgres: Configuration['postgres'];
  /** As they are now: a reload may change them, and calls `wake` then. */
  settings(): Configuration['metrics'];
  superuserPassword(): string;
  /** What every member has and nobody else knows; empty: there is no such thing, since this member is alone. */
  sharedSecret(): string;
  /** Null: Postgres is not to be asked now. */
  role(): 'primary' | 'standby' | null;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Metrics by SQL queries of the user. They run beside everything else, and a scrape only shows what the last run gave.
 * Where no file is configured, this sleeps until `wake`.
 */
export class SqlMetrics {
  readonly #options: SqlMetricsOptions;
  readonly #wakeup = new Wakeup();
  readonly #source: QuerySource;
  readonly #outcomes: Outcomes;
  /** For a member without a shared secret: as long as the agent lives. */
  readonly #own = randomBytes(32).toString('base64url');
  /** The password with which the role was found to be as it should. */
  #ensured: string | null = null;
  /** How often in a row nothing could be asked, and until when nothing is. */
  #trouble = { count: 0, until: instant(0) };

  constructor(options: SqlMetricsOptions) {
    this.#options = options;
    this.#source = new QuerySource(options.log);
    this.#outcomes = new Outcomes(options.log);
  }

  /** The settings may be others. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** The metrics in Prometheus's text format; empty: none. */
  text(): string {
    return exposition(this.#outcomes.families());
  }

  report(): QueriesReport {
    return {
      files: this.#source.report(this.#options.settings().queryFiles),
      queries: this.#outcomes.report(),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#wakeup.sleep(await this.#turn(signal), signal);
  }

  /** Does what is due; how long there is nothing to do then (null: until woken). */
  async #turn(signal: AbortSignal): Promise<Millis | null> {
    const { clock, settings } = this.#options;
    const { queryFiles, queryPrefix, queryInterval } = settings();
    if (await this.#source.look(queryFiles, queryPrefix))
      this.#outcomes.reset(this.#source.queries, clock.now());
    if (queryFiles.length === 0) return null;
    if (this.#source.queries.length === 0) return millis(PACE);
    const now = clock.now();
    const role = this.#options.role();
    if (role === null) {
      this.#outcomes.restAll(now);
      return millis(PACE);
    }
    const due = this.#outcomes.due(this.#source.queries, now);
    if (due.length > 0 && now >= this.#trouble.until)
      await this.#ask(due, role === 'primary', queryInterval, signal);
    return millis(Math.min(PACE, this.#outcomes.next(clock.now())) || PACE);
  }

  async #ask(
    queries: readonly MetricQuery[],
    isPrimary: boolean,
    interval: Millis,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, settings, postgres } = this.#options;
    const startedAt = clock.now();
    const timeout = settings().queryTimeout;
    try {
      const password = metricsPassword(this.#options.sharedSecret() || this.#own);
      if (!(await this.#isRoleReady(password, isPrimary, signal))) {
        for (const query of queries) this.#outcomes.rest(query, millis(PACE), startedAt);
        return;
      }
      const runs = await runRound(
        queries,
        {
          open: (database) =>
            this.#open({ user: METRICS_ROLE, password }, database, signal, sessionOptions(timeout)),
          applicationDatabase: postgres.application.database,
          isPrimary,
          timeout,
          clock,
        },
        signal,
      );
      const now = clock.now();
      for (const { query, families, ...run } of runs) {
        const every = query.every ?? interval;
        if (families === null) this.#outcomes.rest(query, every, now);
        else this.#outcomes.ran(query, { ...run, families }, { startedAt, every, now });
      }
      this.#trouble = { count: 0, until: instant(0) };
    } catch (error) {
      if (!signal.aborted) this.#failed(queries, interval, startedAt, error);
    }
  }

  /** Nothing could be asked: a server that hangs or is full is asked ever more seldom. */
  #failed(queries: readonly MetricQuery[], interval: Millis, startedAt: Instant, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const now = this.#options.clock.now();
    const { count } = this.#trouble;
    this.#ensured = null;
    this.#trouble = {
      count: count + 1,
      until: instant(now + Math.min(PAUSE_MOST, PACE * 2 ** Math.min(count, 10))),
    };
    const run = { families: [], errors: [message], duration: millis(now - startedAt) };
    for (const query of queries)
      this.#outcomes.ran(query, run, { startedAt, every: query.every ?? interval, now });
  }

  async #isRoleReady(password: string, isPrimary: boolean, signal: AbortSignal): Promise<boolean> {
    if (this.#ensured === password) return true;
    const { superuser } = this.#options.postgres;
    const bound = bounded(CONNECT, signal);
    const session = await this.#open(
      {
        user: superuser.name,
        password: localAccess().osUser === null ? this.#options.superuserPassword() : undefined,
      },
      'postgres',
      bound,
    );
    try {
      if (!(await ensureRole(session, password, isPrimary, bound))) return false;
    } finally {
      session.close();
    }
    this.#ensured = password;
    return true;
  }

  async #open(
    as: { readonly user: string; readonly password: string | undefined },
    database: string,
    signal: AbortSignal,
    options?: string,
  ): Promise<Session> {
    const { socketDirectory, port } = this.#options.postgres;
    return await Session.open(
      { host: socketDirectory, port, ...as },
      database,
      bounded(CONNECT, signal),
      options,
    );
  }
}
