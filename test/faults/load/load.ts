import type pg from 'pg';
import {
  abandon,
  connectReadWrite,
  connectTo,
  type MultiHostUrl,
  parseMultiHostUrl,
} from '../../e2e/connect.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import type { Random } from '../../simulation/engine/random.ts';
import type { Beat, PlainRead, RegisterOperation, RowAttempt } from '../checker/history.ts';
import { Gaps } from './gaps.ts';
import { type Pauses, repeatedly, Session } from './session.ts';
import { INITIAL, KEYS, type Tables, tablesOf } from './tables.ts';

/** Where the clients go. */
export interface Target {
  /** libpq URL with every member. */
  readonly url: string;
  /** Members in the order of the hosts of the URL. */
  readonly members: readonly string[];
}

const ROW_WRITERS = 4;
const REGISTER_CLIENTS = 4;
const ROUTED: Pauses = { pauseMillis: 25, failedPauseMillis: 50 };
/** A standby refuses each time, and says so in its log. */
const DIRECT: Pauses = { pauseMillis: 100, failedPauseMillis: 250 };
/** `connect_timeout` of the URL that the demo prints, and half a second more than its `tcp_user_timeout`. */
const DEAD_AFTER = 2000;

/** Everything that the clients of one run saw. */
export interface Seen {
  readonly rows: readonly RowAttempt[];
  readonly registers: readonly RegisterOperation[];
  readonly beats: readonly Beat[];
  readonly plainReads: readonly PlainRead[];
}

/**
 * The clients of one run, 14 connections with three members: some insert unique rows through the multi-host URL as the
 * demo prints it; some write and read registers, with the hosts of the URL in any order; and at each member's own port
 * one tries to commit rows all the time, moving a counter of its own on, and one reads these counters plainly, whatever
 * role the member has.
 */
export class Load {
  readonly tables: Tables;
  readonly #rows: RowAttempt[] = [];
  readonly #registers: RegisterOperation[] = [];
  readonly #beats: Beat[] = [];
  readonly #plainReads: PlainRead[] = [];
  readonly #errors = new Map<string, number>();
  readonly #gaps: Gaps;
  readonly #target: Target;
  readonly #random: Random;
  readonly #parsed: MultiHostUrl;
  readonly #memberAt: ReadonlyMap<string, string>;
  readonly #stopping = new AbortController();
  #loops: Promise<void>[] = [];
  #nextRow = 1;
  #nextValue = INITIAL + 1;
  #acknowledged = 0;

  private constructor(target: Target, tables: Tables, random: Random) {
    this.#random = random;
    this.#target = target;
    this.tables = tables;
    this.#parsed = parseMultiHostUrl(target.url);
    this.#memberAt = new Map(
      this.#parsed.hosts.map(({ host, port }, index) => [`${host}:${port}`, target.members[index] ?? '']),
    );
    this.#gaps = new Gaps(performance.now());
  }

  /** Makes tables of its own for this run, drops those of the one before, and begins. */
  static async start(target: Target, run: number, random: Random): Promise<Load> {
    const tables = tablesOf(run);
    const { client } = await waitFor('a member that takes writes', () => connectReadWrite(target.url));
    try {
      await client.query(tables.drop);
      await client.query(tables.create);
    } finally {
      abandon(client);
    }
    const load = new Load(target, tables, random);
    load.#begin();
    await load.waitForWrites(20);
    return load;
  }

  /** Rows that were acknowledged through the multi-host URL. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  get seen(): Seen {
    return {
      rows: this.#rows,
      registers: this.#registers,
      beats: this.#beats,
      plainReads: this.#plainReads,
    };
  }

  longestGap(since: number): number {
    return this.#gaps.longest(since, performance.now());
  }

  /** Waits until so many more rows are acknowledged through the multi-host URL. */
  async waitForWrites(count: number, timeoutMillis = 90_000): Promise<void> {
    const goal = this.#acknowledged + count;
    await waitFor(`${count} more acknowledged rows`, () => this.#acknowledged >= goal, {
      timeoutMillis,
      intervalMillis: 20,
    });
  }

  /** What is under way is abandoned: its outcome is unknown. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#gaps.end(performance.now());
    this.#stopping.abort();
    await Promise.all(this.#loops);
  }

  #begin(): void {
    const { signal } = this.#stopping;
    const routed = () => this.#session(async () => (await connectReadWrite(this.#target.url)).client);
    // As with `load_balance_hosts=random` of libpq 16: a host that refuses does not keep these from the next for long,
    // so that two members that let clients in have clients both.
    const anywhere = () =>
      this.#session(async () => (await connectReadWrite(withHostsIn(this.#target.url, this.#random))).client);
    for (let index = 0; index < ROW_WRITERS; index += 1) {
      const session = routed();
      this.#loops.push(repeatedly(signal, ROUTED, () => this.#insert(session, null)));
    }
    for (let index = 0; index < REGISTER_CLIENTS; index += 1) {
      const session = anywhere();
      this.#loops.push(repeatedly(signal, ROUTED, () => this.#useRegister(session, index)));
    }
    for (const [index, member] of this.#target.members.entries()) {
      const connect = () => this.#connectTo(index);
      const writing = this.#session(connect);
      this.#loops.push(repeatedly(signal, DIRECT, () => this.#insert(writing, member)));
      const reading = this.#session(connect);
      this.#loops.push(repeatedly(signal, DIRECT, () => this.#read(reading, member)));
    }
  }

  #session(connect: () => Promise<pg.Client>): Session {
    return new Session({ connect, deadAfterMillis: DEAD_AFTER, signal: this.#stopping.signal });
  }

  #connectTo(index: number): Promise<pg.Client> {
    const place = this.#parsed.hosts[index];
    if (place === undefined) throw new TypeError(`no host ${index}`);
    return connectTo(this.#parsed, place);
  }

  #note(error: string | null): void {
    if (error !== null) this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
  }

  /** `source`: the member at whose own port it is tried; null: through the multi-host URL. */
  async #insert(session: Session, source: string | null): Promise<boolean> {
    const id = this.#nextRow++;
    const attempt = await session.attempt(async (client) => {
      const { insert, insertAndBeat } = this.tables;
      const { rows } =
        source === null
          ? await client.query<{ wal: string }>(insert, [id])
          : await client.query<{ wal: string }>(insertAndBeat, [id, source]);
      const place = `${client.host}:${client.port}`;
      const timeline = Number.parseInt(rows[0]?.wal.slice(0, 8) ?? '', 16);
      return { member: this.#memberAt.get(place) ?? place, timeline };
    });
    if (attempt === null) return false;
    const { outcome, result, error, invoked, returned } = attempt;
    this.#rows.push({ id, outcome, by: result, invoked, returned });
    if (source !== null) {
      this.#beats.push({ source, count: id, outcome, invoked, returned });
      return outcome === 'acknowledged';
    }
    this.#note(error);
    if (outcome === 'acknowledged') {
      this.#acknowledged += 1;
      this.#gaps.note(returned);
    }
    return outcome === 'acknowledged';
  }

  async #useRegister(session: Session, client: number): Promise<boolean> {
    const value = this.#nextValue++;
    // Spread evenly, and each key is used by all of the clients.
    const key = 1 + ((Math.imul(value, 2_654_435_761) >>> 16) % KEYS);
    const isRead = value % 2 === 0;
    const text = isRead ? this.tables.readCommitting(key, client) : this.tables.write(key, value);
    const attempt = await session.attempt(async (pgClient) => {
      const results = (await pgClient.query(text)) as unknown as { rows: { value: string }[] }[];
      return isRead ? Number(results[1]?.rows[0]?.value) : value;
    });
    if (attempt === null) return false;
    const { outcome, result, error, invoked, returned } = attempt;
    // It may be in the middle of a transaction that failed.
    if (outcome !== 'acknowledged') session.close();
    this.#note(error);
    const kind = isRead ? 'read' : 'write';
    this.#registers.push({ key, kind, value: result ?? value, outcome, invoked, returned });
    return outcome === 'acknowledged';
  }

  async #read(session: Session, member: string): Promise<boolean> {
    const attempt = await session.attempt(async (client) => {
      const { rows } = await client.query<{ counts: Record<string, number>; standby: boolean }>(
        this.tables.plainRead,
      );
      return rows[0];
    });
    const row = attempt?.result;
    if (attempt === null || row === null || row === undefined) return false;
    if (!row.standby) {
      const { invoked, returned } = attempt;
      this.#plainReads.push({ member, counts: row.counts, invoked, returned });
    }
    return true;
  }
}

/** The same URL with its hosts in a random order. */
function withHostsIn(url: string, random: Random): string {
  const places = parseMultiHostUrl(url).hosts.map(({ host, port }) => `${host}:${port}`);
  const shuffled = places
    .map((place) => ({ place, at: random.next() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ place }) => place);
  return url.replace(places.join(','), shuffled.join(','));
}
