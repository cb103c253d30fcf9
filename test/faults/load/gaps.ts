/** Times without any acknowledgement. Instants are of `performance.now()`, spans in milliseconds. */
export class Gaps {
  readonly #closed: { readonly from: number; readonly to: number }[] = [];
  #last: number;
  #isOpen = true;

  constructor(now: number) {
    this.#last = now;
  }

  /** Something was acknowledged. */
  note(now: number): void {
    // Shorter ones are of no interest, and there are many.
    if (now - this.#last > 20) this.#closed.push({ from: this.#last, to: now });
    this.#last = now;
  }

  /** The load ends: what comes later is no gap. */
  end(now: number): void {
    this.note(now);
    this.#isOpen = false;
  }

  /** The longest that ended after `since`; the one that goes on at `now` counts too. */
  longest(since: number, now: number): number {
    const open = this.#isOpen ? [{ from: this.#last, to: now }] : [];
    return [...this.#closed, ...open]
      .filter(({ to }) => to >= since)
      .reduce((longest, { from, to }) => Math.max(longest, to - from), 0);
  }
}
