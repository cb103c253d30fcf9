import type pg from 'pg';
import { waitFor } from './wait-for.ts';

/** A stretch without any acknowledgement. Instants are of `performance.now()`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly millis: number;
}

/** An acknowledgement that came from a history older than one that had acknowledged before it was even sent. */
export interface StaleAcknowledgement {
  readonly id: number;
  readonly timeline: number;
  readonly newer: number;
}

/** What a load was told: which rows it may count on, how long it waited for any, and by which histories. */
export class Acknowledgements {
  readonly #table: string;
  readonly #ids = new Set<number>();
  readonly #at = new Map<number, number>();
  readonly #gaps: Gap[] = [];
  readonly #firstOf = new Map<number, number>();
  readonly #stale: StaleAcknowledgement[] = [];
  #last = performance.now();
  #ended = false;

  constructor(table: string) {
    this.#table = table;
  }

  get ids(): ReadonlySet<number> {
    return this.#ids;
  }

  get stale(): readonly StaleAcknowledgement[] {
    return this.#stale;
  }

  /** Counts from now on. */
  begin(): void {
    this.#last = performance.now();
  }

  /** Row `id`, sent at `sentAt`, was acknowledged at `at` by the history of `timeline`. */
  add(id: number, sentAt: number, at: number, timeline: number): void {
    this.#ids.add(id);
    this.#at.set(id, at);
    if (!this.#firstOf.has(timeline)) this.#firstOf.set(timeline, at);
    for (const [newer, first] of this.#firstOf) {
      if (newer > timeline && first < sentAt) this.#stale.push({ id, timeline, newer });
    }
    this.#note(at);
  }

  /** No more are to come. */
  end(): void {
    this.#note(performance.now());
    this.#ended = true;
  }

  /** Waits until so many more are acknowledged than now. */
  async untilMore(count: number, timeoutMillis = 60_000): Promise<void> {
    const goal = this.#ids.size + count;
    await waitFor(`${count} more acknowledged writes`, () => this.#ids.size >= goal, {
      timeoutMillis,
      intervalMillis: 20,
    });
  }

  /** The longest stretch without an acknowledgement that ended after `since`; the one that goes on counts too. */
  longestGap(since = 0): Gap {
    const now = performance.now();
    const open: Gap = { from: this.#last, to: now, millis: now - this.#last };
    const gaps = this.#ended ? this.#gaps : [...this.#gaps, open];
    return gaps
      .filter((gap) => gap.to >= since)
      .reduce((longest, gap) => (gap.millis > longest.millis ? gap : longest), { from: 0, to: 0, millis: 0 });
  }

  /** When row `id` was acknowledged; null: it was not. */
  acknowledgedAt(id: number): number | null {
    return this.#at.get(id) ?? null;
  }

  /** Acknowledged rows that are not in the table: what was lost. */
  async missingRows(client: pg.Client): Promise<number[]> {
    const { rows } = await client.query<{ id: string }>(`SELECT id FROM ${this.#table}`);
    const there = new Set(rows.map(({ id }) => Number(id)));
    return [...this.#ids].filter((id) => !there.has(id));
  }

  #note(at: number): void {
    // Shorter ones are of no interest, and there are many.
    if (at - this.#last > 20) this.#gaps.push({ from: this.#last, to: at, millis: at - this.#last });
    this.#last = Math.max(at, this.#last);
  }
}
