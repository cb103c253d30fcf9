import { setTimeout as sleep } from 'node:timers/promises';
import { abandon, connectTo, type MultiHostUrl } from '../connect.ts';

/** Between an error and the next attempt to connect. */
const RETRY = 100;
/** Between two writes. */
const PAUSE = 10;

/** An application that writes one row after another, and connects again when that fails. */
export class StubbornClient {
  readonly #target: MultiHostUrl;
  readonly #stopping = new AbortController();
  readonly acknowledged: string[] = [];
  /** How often a success was followed by an error. */
  interruptions = 0;
  /** Every error, those of attempts to connect again included. */
  readonly errors: string[] = [];
  /** The longest time between two successes, in milliseconds. */
  longestGap = 0;
  #last = performance.now();
  #running: Promise<void> = Promise.resolve();

  constructor(target: MultiHostUrl) {
    this.#target = target;
  }

  start(name: string): this {
    this.#running = this.#run(name);
    return this;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(name: string): Promise<void> {
    const [place = { host: '', port: 0 }] = this.#target.hosts;
    const { signal } = this.#stopping;
    let isWell = true;
    for (let next = 1; !signal.aborted; ) {
      try {
        const client = await connectTo(this.#target, place);
        try {
          for (; !signal.aborted; next += 1) {
            const id = `${name}-${next}`;
            await client.query('insert into stubborn (id) values ($1)', [id]);
            isWell = true;
            this.acknowledged.push(id);
            this.longestGap = Math.max(this.longestGap, performance.now() - this.#last);
            this.#last = performance.now();
            await sleep(PAUSE);
          }
        } finally {
          abandon(client);
        }
      } catch (error) {
        // The write may be there: its name is not used again.
        next += 1;
        if (isWell) this.interruptions += 1;
        isWell = false;
        this.errors.push(error instanceof Error ? error.message : String(error));
        await sleep(RETRY);
      }
    }
  }
}
