import { elapsed, type Instant, millis } from '../ha/units.ts';
import type { Clock } from '../kubernetes/clock.ts';

/** A pooler that was not heard of for so long, in milliseconds, is not waited for. */
const HEARD_WITHIN = 1_000;

/** The longest that a planned end waits for poolers, in milliseconds. */
const WAIT = 1_000;

/** Once told to, poolers hold their clients for so long, unless the record tells of the end before. */
const HOLD = 5_000;

/** Names are free, and everybody may say one: the ones heard of last are kept. */
const MOST = 64;

/**
 * The poolers that look at this member. Before a planned end they are told to let no new transaction begin, and have a
 * moment to let those end that run: the fast shutdown would cut them off. Nothing depends on their word but how long,
 * within a second, the end waits.
 */
export class Poolers {
  readonly #clock: Clock;
  readonly #heard = new Map<string, { readonly at: Instant; readonly holds: boolean }>();
  #toldAt: Instant | null = null;
  #onHeard: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A pooler says whether it `holds`: its clients wait, and no transaction of theirs runs. True: it should. */
  heard(name: string, holds: boolean): boolean {
    this.#heard.delete(name);
    this.#heard.set(name, { at: this.#clock.now(), holds });
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > MOST && oldest !== undefined) this.#heard.delete(oldest);
    this.#onHeard?.();
    return this.#toldAt !== null && elapsed(this.#toldAt, this.#clock.now()) < HOLD;
  }

  /**
   * Tells them to hold, and waits until all do that were heard of lately, a second at most; not at all where there is
   * none.
   */
  async hold(signal: AbortSignal): Promise<void> {
    this.#toldAt = this.#clock.now();
    if (this.#areHolding()) return;
    const all = new AbortController();
    this.#onHeard = () => {
      if (this.#areHolding()) all.abort();
    };
    try {
      await this.#clock.sleep(millis(WAIT), AbortSignal.any([signal, all.signal]));
    } finally {
      this.#onHeard = null;
    }
  }

  /** Clients are let in again: what they were told before an earlier end is over. */
  release(): void {
    this.#toldAt = null;
  }

  #areHolding(): boolean {
    const now = this.#clock.now();
    return [...this.#heard.values()].every(({ at, holds }) => holds || elapsed(at, now) > HEARD_WITHIN);
  }
}
