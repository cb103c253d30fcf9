import type { Beat, PlainRead, Violation } from './history.ts';

/** How old the oldest plain read of a run was. */
export interface Staleness {
  readonly millis: number;
  readonly read: PlainRead | null;
}

/**
 * The age of what plain reads returned at members that took themselves for the primary: for each, how long before it
 * was sent a newer count had been acknowledged by whoever. 0 where every read saw all that was acknowledged.
 */
export function measureStaleness(beats: readonly Beat[], reads: readonly PlainRead[]): Staleness {
  const acknowledged = beats.filter(({ outcome }) => outcome === 'acknowledged');
  let oldest: Staleness = { millis: 0, read: null };
  for (const [source, ofSource] of Map.groupBy(acknowledged, (beat) => beat.source)) {
    // By count, and so by time.
    const sorted = ofSource.toSorted((one, other) => one.count - other.count);
    for (const read of reads) {
      const missed = firstAbove(sorted, read.counts[source] ?? 0);
      const millis = missed === undefined ? 0 : read.invoked - missed.returned;
      if (millis > oldest.millis) oldest = { millis, read };
    }
  }
  return oldest;
}

function firstAbove(sorted: readonly Beat[], count: number): Beat | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.count ?? 0) > count) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}

/** `boundMillis` null: the scenario states no bound, and why. */
export function checkStaleness(staleness: Staleness, boundMillis: number | null): readonly Violation[] {
  if (boundMillis === null || staleness.millis <= boundMillis) return [];
  const message = `a plain read at ${staleness.read?.member} was ${Math.round(staleness.millis)} ms old; the bound is ${boundMillis} ms`;
  return [{ kind: 'stale-read', message }];
}
