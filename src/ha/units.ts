declare const brand: unique symbol;

/** The number of a primary's term: `leaseTransitions` of the cluster record, one up whenever a primary starts. */
export type Epoch = number & { readonly [brand]: 'Epoch' };

/** A PostgreSQL timeline number (a TimeLineID in hexadecimal names of WAL segments). */
export type TimelineId = number & { readonly [brand]: 'TimelineId' };

/** A duration in milliseconds. */
export type Millis = number & { readonly [brand]: 'Millis' };

/** An instant on one machine's CLOCK_MONOTONIC, in milliseconds. Never compared between machines. */
export type Instant = number & { readonly [brand]: 'Instant' };

export const epoch = (value: number): Epoch => value as Epoch;
export const timelineId = (value: number): TimelineId => value as TimelineId;
export const millis = (value: number): Millis => value as Millis;
export const instant = (value: number): Instant => value as Instant;

/** Time passed from `since` to `now`; infinite where the event never happened. */
export function elapsed(since: Instant | null, now: Instant): Millis {
  return millis(since === null ? Number.POSITIVE_INFINITY : now - since);
}
