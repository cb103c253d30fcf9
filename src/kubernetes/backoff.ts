import { type Millis, millis } from '../ha/units.ts';

/** Bounds of the pauses between attempts. */
export interface BackoffLimits {
  readonly initial: Millis;
  readonly maximum: Millis;
}

/** Pauses of the watch: soon enough for a failover that waits for it, rare enough for an API in trouble. */
export const WATCH_BACKOFF: BackoffLimits = { initial: millis(100), maximum: millis(2_000) };

/**
 * The pause before the next attempt after `failures` (1 or more) in a row: doubles up to the maximum, of which a
 * random half is taken away, so that members that failed together do not come back together.
 */
export function backoffPause(failures: number, limits: BackoffLimits, random: number): Millis {
  const full = Math.min(limits.maximum, limits.initial * 2 ** Math.min(failures - 1, 30));
  return millis(full * (1 - random / 2));
}
