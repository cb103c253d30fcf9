import { isHung } from './hung.ts';
import { elapsed, type Instant } from './units.ts';
import type { View } from './view.ts';

/** Each act of a round has a bound, and no round's bounds add up to so much, in milliseconds. */
const LONGEST_ROUND = 10_000;
/** A round that takes so long (milliseconds) is late: where Postgres makes no progress either, it is the disk of both. */
const LATE_ROUND = 3_000;

/**
 * The loop of a primary hangs in one round, typically in a write to a volume that stands still: it will neither find its
 * Postgres hung nor stop it. Then nothing may vouch for that Postgres any more: the guard kills it, so that its
 * walsenders fall silent, and the Lease is not renewed. `began`: of the round under way; null: the loop rests.
 */
export function isStuck(view: View, began: Instant | null, now: Instant): boolean {
  const leads = view.local.state === 'primary' || view.local.state === 'promoting';
  if (!leads || began === null) return false;
  const taken = elapsed(began, now);
  if (taken >= Math.max(LONGEST_ROUND, view.settings.hungAfter)) return true;
  return taken >= LATE_ROUND && isHung({ ...view, now });
}
