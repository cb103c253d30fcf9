import type { Instant } from '../../ha/units.ts';
import { PostgresError } from '../errors.ts';
import { bounded } from '../wait.ts';
import type { LocalServer } from './local-server.ts';

const INTERVAL_MS = 3_000;
const INTERVAL_UNDER_SUSPICION_MS = 500;
const GIVE_UP_MS = 5_000;

/**
 * Whether *new* local connections make progress: a postmaster that hangs leaves the lasting connection in good order.
 * `tick` starts an attempt when one is due; at most one is out. An error message of the server is an answer too.
 */
export class ConnectProbe {
  readonly #server: LocalServer;
  readonly #now: () => Instant;
  #busy = false;
  #triedAt: Instant | null = null;
  #lastConnectAt: Instant | null = null;

  constructor(server: LocalServer, now: () => Instant) {
    this.#server = server;
    this.#now = now;
  }

  get lastConnectAt(): Instant | null {
    return this.#lastConnectAt;
  }

  tick(suspicion: boolean): void {
    const now = this.#now();
    const interval = suspicion ? INTERVAL_UNDER_SUSPICION_MS : INTERVAL_MS;
    if (this.#busy || (this.#triedAt !== null && now - this.#triedAt < interval)) return;
    this.#busy = true;
    this.#triedAt = now;
    void this.#try().finally(() => {
      this.#busy = false;
    });
  }

  reset(): void {
    this.#lastConnectAt = null;
    this.#triedAt = null;
  }

  async #try(): Promise<void> {
    const askedAt = this.#now();
    try {
      await this.#server.query('select', [], bounded(GIVE_UP_MS));
      this.#lastConnectAt = askedAt;
    } catch (error) {
      // The server refused in words ("too many clients"): the postmaster forked a backend that answered.
      if (error instanceof PostgresError && isServerAnswer(error.cause)) this.#lastConnectAt = askedAt;
    }
  }
}

function isServerAnswer(cause: unknown): boolean {
  return cause instanceof PostgresError && 'sqlState' in cause && cause.sqlState !== null;
}
