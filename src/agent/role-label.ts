import type { Role } from '../ha/peer.ts';
import { elapsed, type Instant, millis } from '../ha/units.ts';

/** Milliseconds. */
const KEPT = millis(2_000);

/**
 * Which label the member's own pod is to have. Who was primary leaves its label to the successor for two seconds, which
 * takes it away together with setting its own: kube-proxy writes its rules once a second at most, and a Service that is
 * empty in between costs that second. Whom it still leads to the old primary is refused there, as by an empty Service.
 */
export class RoleLabel {
  #last: Role = 'none';
  #lostAt: Instant | null = null;

  /** Whether the label of before stays as it is though the role is `role` now. */
  isKept(role: Role, now: Instant): boolean {
    if (role === 'none' && this.#last === 'primary') {
      this.#lostAt ??= now;
      if (elapsed(this.#lostAt, now) < KEPT) return true;
    }
    this.#last = role;
    this.#lostAt = null;
    return false;
  }
}
