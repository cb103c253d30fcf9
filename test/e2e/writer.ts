import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { Acknowledgements, type Gap, type StaleAcknowledgement } from './acknowledgements.ts';
import { abandon, connectReadWrite } from './connect.ts';
import { waitFor } from './wait-for.ts';

export interface WriterOptions {
  readonly connections?: number;
  /** Between an acknowledgement and the next write of the same connection. */
  readonly pauseMillis?: number;
  /** Between a failed attempt to connect and the next, give or take a half: the clients do not come in step. */
  readonly retryMillis?: number;
  /**
   * A write without an answer for so long ends its connection, as `tcp_user_timeout` does for libpq where the
   * network is cut; Node cannot set that. Unset: it waits, as libpq does for a server that is merely slow.
   */
  readonly deadAfterMillis?: number;
  readonly table?: string;
}

/**
 * A steady load through the demo's multi-host URL: each connection inserts one unique row after another and notes
 * every acknowledgement. After any fault, `missingRows` tells what was lost, `longestGap` how long nothing could
 * be written, and `stale` whether two histories acknowledged.
 */
export class Writer {
  readonly #url: string;
  readonly #options: Required<Omit<WriterOptions, 'deadAfterMillis'>> & { deadAfterMillis: number | null };
  readonly #told: Acknowledgements;
  /** Sent, but without an answer: they may be there or not. */
  readonly #unknown = new Set<number>();
  readonly #errors = new Map<string, number>();
  readonly #clients = new Set<pg.Client>();
  #loops: Promise<void>[] = [];
  #stopping = new AbortController();
  #nextId = 1;

  constructor(url: string, options: WriterOptions = {}) {
    this.#url = url;
    this.#options = {
      connections: options.connections ?? 20,
      pauseMillis: options.pauseMillis ?? 5,
      retryMillis: options.retryMillis ?? 20,
      deadAfterMillis: options.deadAfterMillis ?? null,
      table: options.table ?? 'writes',
    };
    this.#told = new Acknowledgements(this.#options.table);
  }

  get acknowledged(): ReadonlySet<number> {
    return this.#told.ids;
  }

  get unknown(): ReadonlySet<number> {
    return this.#unknown;
  }

  get stale(): readonly StaleAcknowledgement[] {
    return this.#told.stale;
  }

  /** How often each error was met, by its message. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** Makes the table and begins to write; resolves once every connection could have written. */
  async start(): Promise<this> {
    const { client } = await waitFor('a member that takes writes', () => connectReadWrite(this.#url));
    const { table } = this.#options;
    await client.query(`CREATE TABLE IF NOT EXISTS ${table} (id bigint PRIMARY KEY, worker int NOT NULL)`);
    const { rows } = await client.query<{ next: string }>(
      `SELECT coalesce(max(id), 0) + 1 AS next FROM ${table}`,
    );
    this.#nextId = Number(rows[0]?.next ?? 1);
    abandon(client);
    this.#told.begin();
    this.#loops = Array.from({ length: this.#options.connections }, (_, worker) => this.#write(worker));
    await this.waitForWrites(this.#options.connections * 2);
    return this;
  }

  /** Waits until so many more writes are acknowledged than now. */
  waitForWrites(count: number, timeoutMillis?: number): Promise<void> {
    return this.#told.untilMore(count, timeoutMillis);
  }

  /** Ends the load; what is under way is waited for, for two seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const ended = Promise.all(this.#loops);
    const timer = setTimeout(() => {
      for (const client of this.#clients) abandon(client);
    }, 2000);
    await ended;
    clearTimeout(timer);
    this.#told.end();
  }

  /** The longest stretch without an acknowledgement that ended after `since`; the one that goes on counts too. */
  longestGap(since = 0): Gap {
    return this.#told.longestGap(since);
  }

  /** When row `id` was acknowledged, by `performance.now()`; null: it was not. */
  acknowledgedAt(id: number): number | null {
    return this.#told.acknowledgedAt(id);
  }

  /** Acknowledged rows that are not in the table: what was lost. */
  missingRows(client: pg.Client): Promise<number[]> {
    return this.#told.missingRows(client);
  }

  async #write(worker: number): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let client: pg.Client | null = null;
      try {
        ({ client } = await connectReadWrite(this.#url));
        this.#clients.add(client);
        while (!signal.aborted) {
          await this.#writeOne(client, worker);
          if (this.#options.pauseMillis > 0) await sleep(this.#options.pauseMillis);
        }
      } catch (error) {
        const { message } = error as Error;
        this.#errors.set(message, (this.#errors.get(message) ?? 0) + 1);
        if (!signal.aborted) await sleep(this.#options.retryMillis * (0.5 + Math.random()));
      } finally {
        if (client !== null) {
          this.#clients.delete(client);
          abandon(client);
        }
      }
    }
  }

  async #writeOne(client: pg.Client, worker: number): Promise<void> {
    const id = this.#nextId++;
    const sentAt = performance.now();
    const { deadAfterMillis, table } = this.#options;
    const dead = deadAfterMillis === null ? null : setTimeout(() => abandon(client), deadAfterMillis);
    this.#unknown.add(id);
    try {
      // The name of the WAL segment begins with the timeline: the history that acknowledges.
      const { rows } = await client.query<{ wal: string }>({
        name: 'write',
        text: `INSERT INTO ${table} (id, worker) VALUES ($1, $2) RETURNING pg_walfile_name(pg_current_wal_insert_lsn()) AS wal`,
        values: [id, worker],
      });
      this.#unknown.delete(id);
      const timeline = Number.parseInt(rows[0]?.wal.slice(0, 8) ?? '0', 16);
      this.#told.add(id, sentAt, performance.now(), timeline);
    } finally {
      if (dead !== null) clearTimeout(dead);
    }
  }
}
