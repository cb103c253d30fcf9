import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ADMIN } from './ini.ts';

/** An answer of the console, in milliseconds; PAUSE has a bound of its own, since it waits for transactions. */
const WITHIN = 2_000;

/** How often it is looked whether connections log in, in milliseconds. */
const LOOK = 5;

/**
 * PgBouncer's console (its documentation, "Admin console"), by its socket.
 *
 * PAUSE and RELOAD end connections that are just logging in, and PgBouncer takes that for a server that refuses: a
 * client that asks for one before the next login has succeeded gets an error ("server login has been failing",
 * objects.c: disconnect_server, check_fast_fail). RELOAD does so in all databases where TLS is used to the servers
 * (sbuf.c, sbuf_tls_setup). Both wait for a moment in which nobody logs in, `patience` milliseconds at most: where
 * servers do refuse, there may be none.
 */
export class Console {
  readonly #directory: string;
  readonly #port: number;
  readonly #password: string;
  /** PAUSEs that wait for transactions. */
  readonly #waiting = new Set<pg.Client>();

  constructor(directory: string, port: number, password: string) {
    this.#directory = directory;
    this.#port = port;
    this.#password = password;
  }

  /** Reads pgbouncer.ini again. */
  async reload(patience: number): Promise<void> {
    const client = await this.#connect(WITHIN);
    try {
      await untilNobodyLogsIn(client, patience);
      await client.query('RELOAD');
    } finally {
      await client.end().catch(() => {});
    }
  }

  /**
   * From the return on, new transactions wait. `drained` tells whether the running ones ended within `within`
   * milliseconds, and before a resume.
   */
  async pause(
    database: string,
    within: number,
    patience: number,
  ): Promise<{ readonly drained: Promise<boolean> }> {
    // A connection of its own: a PAUSE that waits must not keep RESUME waiting.
    const client = await this.#connect(within);
    this.#waiting.add(client);
    await untilNobodyLogsIn(client, patience);
    const drained = client
      .query(`PAUSE "${database}"`)
      .then(
        () => true,
        // Said, too, where it is paused already: then another of these knows when it is drained.
        () => false,
      )
      .finally(() => {
        this.#waiting.delete(client);
        return client.end().catch(() => {});
      });
    return { drained };
  }

  async resume(database: string): Promise<void> {
    for (const client of this.#waiting) client.end().catch(() => {});
    const client = await this.#connect(WITHIN);
    try {
      await client.query(`RESUME "${database}"`);
    } catch (error) {
      if (!(error instanceof Error && /not paused/i.test(error.message))) throw error;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async #connect(within: number): Promise<pg.Client> {
    const client = new pg.Client({
      host: this.#directory,
      port: this.#port,
      user: ADMIN,
      password: this.#password,
      database: 'pgbouncer',
      connectionTimeoutMillis: WITHIN,
      query_timeout: within,
    });
    // A connection that is lost says so in the query.
    client.on('error', () => {});
    await client.connect();
    return client;
  }
}

/** The next command must follow on the same connection, at once. */
async function untilNobodyLogsIn(client: pg.Client, patience: number): Promise<void> {
  const until = performance.now() + patience;
  while (performance.now() < until) {
    const { rows } = await client.query<{ readonly sv_login: number | string }>('SHOW POOLS');
    if (rows.every(({ sv_login: logins }) => Number(logins) === 0)) return;
    await sleep(LOOK);
  }
}
