import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Millis } from '../ha/units.ts';

const MOST_WAITING = 1_048_576;

/**
 * Where the lines of the log go: by default standard output. Node writes to a pipe without blocking and keeps in memory
 * what does not fit it, without a bound; so that a reader that stands still costs neither the loop nor the memory, lines
 * beyond `mostWaiting` bytes are dropped and counted. (Written to a file it is the kernel's page cache that takes them.)
 * A reader that is gone ends the log, not the agent.
 */
export class LogOutput {
  readonly #stream: Writable;
  readonly #mostWaiting: number;
  #dropped = 0;

  constructor(stream: Writable = process.stdout, mostWaiting: number = MOST_WAITING) {
    this.#stream = stream;
    this.#mostWaiting = mostWaiting;
    // EPIPE: nobody is left to tell.
    stream.on('error', () => undefined);
  }

  /** Lines dropped since `takeDropped`. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  get isFull(): boolean {
    return this.#stream.writableLength > this.#mostWaiting;
  }

  write(line: string): void {
    if (this.#stream.destroyed || !this.#stream.writable) return;
    if (this.isFull) this.#dropped++;
    else this.#stream.write(line);
  }

  /** Waits until everything is handed over, at most `within`: before process.exit(), which waits for nothing. */
  async flush(within: Millis): Promise<void> {
    const bound = performance.now() + within;
    while (this.#stream.writable && this.#stream.writableLength > 0 && performance.now() < bound)
      await delay(5);
  }
}
