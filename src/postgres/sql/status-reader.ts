import type { Instant } from '../../ha/units.ts';
import { type PostgresError, QueryFailedError } from '../errors.ts';
import { bounded, orNullAfter } from '../wait.ts';
import type { LocalServer } from './local-server.ts';
import type { Session } from './session.ts';
import { type StatusRow, statusQuery } from './status-query.ts';

/** After so long without an answer the connection is given up and another one tried. */
const GIVE_UP_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const UNDEFINED_TABLE = ['42P01', '3F000'];

export interface Status {
  readonly row: StatusRow;
  readonly sentAt: Instant;
  readonly answeredAt: Instant;
}

/** Asks the status query over one lasting connection. At most one question is out at any time. */
export class StatusReader {
  readonly #server: LocalServer;
  readonly #now: () => Instant;
  readonly #parameters: readonly [readonly string[], string];
  #session: Session | null = null;
  #inFlight: Promise<Status | null> | null = null;
  #withEpochs = false;
  #silentSince: Instant | null = null;
  #lastError: PostgresError | null = null;

  constructor(server: LocalServer, now: () => Instant, parameters: readonly [readonly string[], string]) {
    this.#server = server;
    this.#now = now;
    this.#parameters = parameters;
  }

  /** Since when there is no answer; null: the last question was answered. */
  get silentSince(): Instant | null {
    return this.#silentSince;
  }

  /** Why the last question failed. */
  get lastError(): PostgresError | null {
    return this.#lastError;
  }

  /** The answer, or null when none comes within `deadline` milliseconds or the server refuses. Never rejects. */
  async read(deadline: number): Promise<Status | null> {
    const askedAt = this.#now();
    this.#inFlight ??= this.#ask().finally(() => {
      this.#inFlight = null;
    });
    const status = await orNullAfter(deadline, this.#inFlight);
    if (status === null) this.#silentSince ??= askedAt;
    else this.#silentSince = null;
    return status;
  }

  /** Forgets the connection and what it was silent about: the server was stopped or replaced. */
  reset(): void {
    this.#session?.destroy();
    this.#session = null;
    this.#silentSince = null;
    this.#withEpochs = false;
  }

  async #ask(): Promise<Status | null> {
    const signal = bounded(GIVE_UP_MS);
    try {
      const session = await this.#connected(signal);
      const status = await this.#query(session, signal);
      // The first look that finds the table asks again at once: no answer lacks the rows that exist.
      if (status.row.tableExists && !this.#withEpochs) {
        this.#withEpochs = true;
        return await this.#query(session, signal);
      }
      return status;
    } catch (error) {
      if (error instanceof QueryFailedError && UNDEFINED_TABLE.includes(error.sqlState ?? '')) {
        this.#withEpochs = false;
        return null;
      }
      this.#lastError = error as PostgresError;
      this.#session?.destroy();
      this.#session = null;
      return null;
    }
  }

  async #connected(signal: AbortSignal): Promise<Session> {
    if (this.#session !== null && !this.#session.broken) return this.#session;
    const session = await this.#server.open(signal);
    await session.query(
      `set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set lock_timeout = 1000; set jit = off;` +
        ' set default_transaction_read_only = on',
      [],
      signal,
    );
    this.#session = session;
    return session;
  }

  async #query(session: Session, signal: AbortSignal): Promise<Status> {
    const sentAt = this.#now();
    // A named statement is planned once a connection.
    const name = this.#withEpochs ? 'status_epochs' : 'status';
    const rows = await session.query<{ status: StatusRow }>(
      statusQuery(this.#withEpochs),
      this.#parameters,
      signal,
      name,
    );
    const row = rows[0]?.status;
    if (row === undefined) throw new QueryFailedError('the status query returned nothing', null, undefined);
    return { row, sentAt, answeredAt: this.#now() };
  }
}
