import { PostgresError, QueryFailedError } from '../errors.ts';
import { bounded, until } from '../wait.ts';
import { Session, type SessionTarget } from './session.ts';

const CONNECT_BOUND_MS = 10_000;
const RETRY_MS = 5;

/** New connections to the local Postgres over its Unix socket, and which backends are the agent's own. */
export class LocalServer {
  readonly #target: () => SessionTarget;
  readonly #own = new Set<Session>();

  constructor(target: () => SessionTarget) {
    this.#target = target;
  }

  /** Backends of the agent: they are spared when client sessions are ended. */
  get ownPids(): readonly number[] {
    this.#forgetBroken();
    return [...this.#own].map((session) => session.pid);
  }

  /** A session that the caller closes. */
  async open(signal: AbortSignal, database = 'postgres', options?: string): Promise<Session> {
    const session = await Session.open(this.#target(), database, signal, options);
    this.#forgetBroken();
    this.#own.add(session);
    return session;
  }

  /** Runs `work` on a connection of its own; `options` as in PGOPTIONS. */
  async with<T>(
    signal: AbortSignal,
    work: (session: Session) => Promise<T>,
    database?: string,
    options?: string,
  ): Promise<T> {
    const session = await this.open(signal, database, options);
    try {
      return await work(session);
    } finally {
      session.close();
      this.#own.delete(session);
    }
  }

  /** One statement on a connection of its own. */
  async query<Row extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<Row[]> {
    return this.with(signal, (session) => session.query<Row>(text, values, signal));
  }

  /**
   * Returns when a *new* connection shows this generation: its backend was forked by, or signalled by, a postmaster
   * that has read the files written with it.
   */
  async untilGeneration(generation: string, signal: AbortSignal): Promise<void> {
    const limit = bounded(CONNECT_BOUND_MS, signal);
    await until('waiting for Postgres to read its settings', RETRY_MS, limit, async () => {
      const rows = await this.query<{ value: string | null }>(
        "select current_setting('pgwarden.generation', true) as value",
        [],
        limit,
      ).catch((error: unknown) => {
        // "Too many clients" and the like pass; whoever cannot connect at all is told when the time is over.
        if (error instanceof QueryFailedError || isUnreachable(error)) return [];
        throw error;
      });
      return rows[0]?.value === generation ? true : null;
    });
  }

  #forgetBroken(): void {
    for (const session of this.#own) if (session.broken) this.#own.delete(session);
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof PostgresError && error.code === 'SERVER_UNREACHABLE';
}
