import { type Epoch, elapsed, type Instant, instant, type Millis } from '../ha/units.ts';
import type { Wishes } from '../ha/view.ts';

/** How long a person's `failover` stands, in milliseconds. */
const FAILOVER_STANDS = 30_000;

/** What this process was told: by signals, by people, by peers. */
export class WishList {
  readonly #now: () => Instant;
  readonly #onChange: () => void;
  #shutdownSince: Instant | null = null;
  #mayLeavePostgres = false;
  #restart = false;
  #reinitialize = false;
  #failover: { acceptDataLoss: boolean; since: Instant } | null = null;
  #lead: { epoch: Epoch; at: Instant } | null = null;
  #heldUntil: Instant | null = null;

  constructor(now: () => Instant, onChange: () => void) {
    this.#now = now;
    this.#onChange = onChange;
  }

  /** `mayLeavePostgres`: a paused cluster's Postgres may go on without this process. */
  shutdown({ mayLeavePostgres = false } = {}): void {
    this.#shutdownSince ??= this.#now();
    this.#mayLeavePostgres = mayLeavePostgres;
    this.#onChange();
  }

  restart(): void {
    this.#restart = true;
    this.#onChange();
  }

  restarted(): void {
    this.#restart = false;
  }

  reinitialize(): void {
    this.#reinitialize = true;
    this.#onChange();
  }

  reinitialized(): void {
    this.#reinitialize = false;
  }

  failover(acceptDataLoss: boolean): void {
    this.#failover = { acceptDataLoss, since: this.#now() };
    this.#onChange();
  }

  lead(epoch: Epoch): void {
    this.#lead = { epoch, at: this.#now() };
    this.#onChange();
  }

  /** Promised not to acquire the Lease for so long from now. */
  holdFor(duration: Millis): void {
    this.#heldUntil = instant(Math.max(this.#heldUntil ?? 0, this.#now() + duration));
  }

  /** It leads: wishes to make it so are fulfilled. */
  fulfilled(): void {
    this.#failover = null;
    this.#lead = null;
  }

  view(): Wishes {
    const failover = this.#failover;
    if (failover !== null && elapsed(failover.since, this.#now()) > FAILOVER_STANDS) this.#failover = null;
    return {
      shutdown: this.#shutdownSince !== null,
      shutdownSince: this.#shutdownSince,
      mayLeavePostgres: this.#mayLeavePostgres,
      restart: this.#restart,
      reinitialize: this.#reinitialize,
      failover: this.#failover,
      lead: this.#lead,
      heldUntil: this.#heldUntil,
    };
  }
}
