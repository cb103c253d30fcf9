import type { Lsn } from '../ha/lsn.ts';
import type { Epoch, Instant } from '../ha/units.ts';
import type { HoldView, ServerView } from '../ha/view.ts';

/** What this process holds as a primary, or remembers of having held. */
export class Hold {
  readonly holder: string;
  renewedAt: Instant | null = null;
  renewing = true;
  heldUntil: Instant | null = null;
  stoppedAt: Instant | null = null;
  releasedAt: Instant | null = null;
  provenNames: string | null = null;
  /** The version that the last swap of unknown outcome was made on. */
  unknownSwap: string | null = null;
  cause = 'bootstrap';
  #leadingSince: Instant | null = null;
  #replies: Record<string, Instant> = {};
  #row: { epoch: Epoch; lsn: Lsn } | null = null;

  constructor(holder: string) {
    this.holder = holder;
  }

  /** A win: a new term begins, and renewals are permitted again. */
  beginTerm(renewedAt: Instant, cause: string): void {
    this.cause = cause;
    this.renewedAt = renewedAt;
    this.renewing = true;
    this.heldUntil = null;
    this.releasedAt = null;
    this.stoppedAt = null;
    this.provenNames = null;
    this.#row = null;
  }

  /** From here on nothing is renewed until the next win. */
  beginDemotion(): void {
    this.renewing = false;
  }

  rowAcknowledged(epoch: Epoch, lsn: Lsn): void {
    this.#row = { epoch, lsn };
  }

  /** Called with every look at the local server. */
  observe(server: ServerView | null, running: boolean, now: Instant): void {
    if (server !== null && !server.inRecovery) {
      this.#leadingSince ??= now;
      for (const walsender of server.walsenders) {
        const known = this.#replies[walsender.identity];
        if (known === undefined || walsender.repliedAt > known)
          this.#replies[walsender.identity] = walsender.repliedAt;
      }
      return;
    }
    if (server !== null || !running) {
      this.#leadingSince = null;
      this.#replies = {};
    }
  }

  view(epoch: Epoch | null): HoldView {
    return {
      holder: this.holder,
      renewedAt: this.renewedAt,
      renewing: this.renewing,
      leadingSince: this.#leadingSince,
      replies: { ...this.#replies },
      provenNames: this.provenNames,
      cause: this.cause,
      rowLsn: this.#row !== null && this.#row.epoch === epoch ? this.#row.lsn : null,
      stoppedAt: this.stoppedAt,
      releasedAt: this.releasedAt,
      heldUntil: this.heldUntil,
    };
  }
}
