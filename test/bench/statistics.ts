/** Median, worst and best of a row of measurements, all in the unit of the samples. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly worst: number;
  readonly best: number;
}

/** Null where nothing was measured. The median of an even number is the mean of the two in the middle. */
export function summarize(samples: readonly number[]): Summary | null {
  const sorted = samples.toSorted((a, b) => a - b);
  const best = sorted[0];
  const worst = sorted.at(-1);
  if (best === undefined || worst === undefined) return null;
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? worst;
  const lower = Number.isInteger(half) ? (sorted[half - 1] ?? upper) : upper;
  return { count: sorted.length, median: (lower + upper) / 2, worst, best };
}
