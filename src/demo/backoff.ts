const FIRST_MILLIS = 1000;
const MOST_MILLIS = 10_000;
/** A process that ran this long is well: its next end counts as the first. */
const WELL_AFTER_MILLIS = 10_000;

/** What the supervisor remembers of one process between two ends of it. Plain data. */
export interface Backoff {
  /** Ends in a row, each soon after its start. */
  readonly failures: number;
}

export const NO_BACKOFF: Backoff = { failures: 0 };

/** How long to wait before the next start (milliseconds), as the kubelet does, but short: 1, 2, 4, … 10 s. */
export function afterExit(before: Backoff, ranMillis: number): { next: Backoff; pause: number } {
  const failures = ranMillis >= WELL_AFTER_MILLIS ? 1 : before.failures + 1;
  return { next: { failures }, pause: Math.min(MOST_MILLIS, FIRST_MILLIS * 2 ** (failures - 1)) };
}
