import { Socket } from 'node:net';
import pg from 'pg';
import { InterruptedWorkError, PostgresError, QueryFailedError } from '../errors.ts';

export interface SessionTarget {
  /** A host, or a directory of Unix sockets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
}

/** One connection. A signal that fires destroys it: a query in flight has then an unknown outcome. */
export class Session {
  readonly #client: pg.Client;
  readonly #socket: Socket;
  #broken = false;

  private constructor(client: pg.Client, socket: Socket) {
    this.#client = client;
    this.#socket = socket;
    // Without a listener a connection that ends while idle would end the agent.
    client.on('error', () => {
      this.#broken = true;
    });
    client.on('end', () => {
      this.#broken = true;
    });
  }

  /** `options`: settings of the session, as in PGOPTIONS. They go before those of the role and the database. */
  static async open(
    target: SessionTarget,
    database: string,
    signal: AbortSignal,
    options?: string,
  ): Promise<Session> {
    const socket = new Socket();
    const client = new pg.Client({
      ...target,
      database,
      application_name: 'pgwarden',
      ...(options === undefined ? {} : { options }),
      ssl: false,
      stream: () => socket,
    });
    const session = new Session(client, socket);
    try {
      await session.#guarded('connecting to Postgres', signal, () => client.connect());
    } catch (error) {
      session.destroy();
      if (error instanceof PostgresError && !(error instanceof QueryFailedError)) throw error;
      throw unreachable(target, error);
    }
    return session;
  }

  /** The pid of the backend that serves it. */
  get pid(): number {
    return (this.#client as unknown as { readonly processID: number | null }).processID ?? 0;
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** Runs one statement (several without values, separated by semicolons, are one transaction). */
  async query<Row extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
    name?: string,
  ): Promise<Row[]> {
    const query = { text, values: [...values], ...(name === undefined ? {} : { name }) };
    return this.#guarded('a query', signal, async () => {
      const result = await this.#client.query<Row>(query);
      return result.rows;
    });
  }

  /** Ends it at once. */
  destroy(): void {
    this.#broken = true;
    this.#socket.destroy();
  }

  /** Says good-bye; the socket closes without waiting for the server's answer. */
  close(): void {
    if (this.#broken) {
      this.destroy();
      return;
    }
    this.#broken = true;
    this.#client.end().catch(() => undefined);
  }

  async #guarded<T>(what: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (signal.aborted) throw new InterruptedWorkError(what, signal.reason);
    const abort = (): void => this.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw new InterruptedWorkError(what, signal.reason);
      throw queryError(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}

function queryError(error: unknown): PostgresError {
  if (error instanceof pg.DatabaseError) {
    return new QueryFailedError(`Postgres says: ${error.message}`, error.code ?? null, error);
  }
  const message = error instanceof Error ? error.message : String(error);
  return new QueryFailedError(`the connection to Postgres failed: ${message}`, null, error);
}

function unreachable(target: SessionTarget, cause: unknown): PostgresError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new PostgresError(
    'SERVER_UNREACHABLE',
    `no connection to Postgres at ${target.host} port ${target.port} as ${target.user}: ${said}`,
    'It may be starting or stopping; if it stays so, see the log of Postgres.',
    { cause },
  );
}
