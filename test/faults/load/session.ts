import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { abandon } from '../../e2e/connect.ts';
import { tellsOfCancelledWait } from '../checker/cancelled-wait.ts';
import type { Interval, Outcome } from '../checker/history.ts';

/** One operation as its client saw it. */
export interface Attempt<Result> extends Interval {
  readonly outcome: Outcome;
  /** Null unless acknowledged. */
  readonly result: Result | null;
  /** Of a failure, for the tally of errors. */
  readonly error: string | null;
}

export interface SessionOptions {
  readonly connect: () => Promise<pg.Client>;
  /** In place of `tcp_user_timeout`, for a host that vanished: Node cannot set that. */
  readonly deadAfterMillis: number;
  readonly signal: AbortSignal;
}

/**
 * A connection that is made again after every failure, and tells of each operation how it ended. While none can be
 * made, `attempt` gives null after one try: nothing was sent.
 */
export class Session {
  readonly #options: SessionOptions;
  #client: pg.Client | null = null;
  #promisesNothing = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.close(), { once: true });
  }

  /** Runs one operation; `work` must send everything in one go, and throw what the server or the network says. */
  async attempt<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Attempt<Result> | null> {
    const client = this.#client ?? (await this.#connect());
    if (client === null) return null;
    const dead = setTimeout(() => abandon(client), this.#options.deadAfterMillis);
    this.#promisesNothing = false;
    const invoked = performance.now();
    try {
      const result = await work(client);
      const returned = performance.now();
      if (this.#promisesNothing) {
        return { outcome: 'unknown', result: null, error: 'wait cancelled', invoked, returned };
      }
      return { outcome: 'acknowledged', result, error: null, invoked, returned };
    } catch (error) {
      const returned = performance.now();
      const { message, severity } = error as { message: string; severity?: string };
      // ERROR aborts the transaction; after a commit Postgres has no ERROR, only a warning or the end of the session.
      const outcome = severity === 'ERROR' ? 'refused' : 'unknown';
      // A session outlives an ERROR; that of a standby is asked again and again.
      if (outcome === 'unknown') this.close();
      return { outcome, result: null, error: message, invoked, returned };
    } finally {
      clearTimeout(dead);
    }
  }

  close(): void {
    if (this.#client !== null) abandon(this.#client);
    this.#client = null;
  }

  async #connect(): Promise<pg.Client | null> {
    const { connect, signal } = this.#options;
    try {
      const client = await connect();
      if (signal.aborted) {
        abandon(client);
        return null;
      }
      client.on('notice', (notice) => {
        if (tellsOfCancelledWait(notice)) this.#promisesNothing = true;
      });
      this.#client = client;
      return client;
    } catch {
      return null;
    }
  }
}

export interface Pauses {
  readonly pauseMillis: number;
  readonly failedPauseMillis: number;
}

/** Runs `step` again and again until `signal`, with a pause between, and another after a step that says false. */
export async function repeatedly(
  signal: AbortSignal,
  { pauseMillis, failedPauseMillis }: Pauses,
  step: () => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    const went = await step();
    await sleep(went ? pauseMillis : failedPauseMillis, undefined, { signal }).catch(() => {});
  }
}
