import { setTimeout as sleep } from 'node:timers/promises';

/** Lets bytes pass at a rate, shared by all who ask: what was not used is not saved up for more than a moment. */
export class RateLimit {
  readonly #bytesPerMs: number;
  #freeAt = 0;

  /** Bytes a second. */
  constructor(rate: number) {
    this.#bytesPerMs = rate / 1000;
  }

  /** Returns when so many bytes may pass. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const from = Math.max(this.#freeAt, now);
    this.#freeAt = from + bytes / this.#bytesPerMs;
    if (from > now) await sleep(from - now, undefined, { signal });
  }
}
