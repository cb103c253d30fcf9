import type { Log } from './log.ts';

/** A part of the agent that runs until it is told to end. */
interface Service {
  readonly name: string;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * The services beside the loop. Each is started once and ended by name, in the order that the stop is written in;
 * one that ends by itself with an error ends the agent.
 */
export class Lifetime {
  readonly #log: Log;
  readonly #onFailed: (error: unknown) => void;
  readonly #services: Service[] = [];

  constructor(log: Log, onFailed: (error: unknown) => void) {
    this.#log = log;
    this.#onFailed = onFailed;
  }

  start(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const done = run(abort.signal).catch((error: unknown) => {
      if (abort.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      this.#log.error({ event: 'service.failed', service: name, err: error }, `${name} failed: ${message}`);
      this.#onFailed(error);
    });
    this.#services.push({ name, abort, done });
  }

  async end(name: string): Promise<void> {
    for (const service of this.#services.filter((entry) => entry.name === name)) {
      service.abort.abort();
      await service.done;
    }
  }
}
