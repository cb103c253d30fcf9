/** Segments `first` to `last`, both included, without a hole. */
export interface SegmentRun {
  readonly first: number;
  readonly last: number;
}

/** The segments of one timeline, as runs: ten thousand in a row are one. */
export class SegmentRuns {
  readonly runs: readonly SegmentRun[];

  private constructor(runs: readonly SegmentRun[]) {
    this.runs = runs;
  }

  static of(numbers: Iterable<number>): SegmentRuns {
    const runs: { first: number; last: number }[] = [];
    for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
      const run = runs.at(-1);
      if (run !== undefined && run.last === number - 1) run.last = number;
      else runs.push({ first: number, last: number });
    }
    return new SegmentRuns(runs);
  }

  get count(): number {
    return this.runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  /** The last of the run that has this segment; null: it is not there. */
  lastFrom(number: number): number | null {
    const run = this.#atOrAfter(number);
    return run !== null && run.first <= number ? run.last : null;
  }

  /** The first segment that is there from this one on; null: none is. */
  nextFrom(number: number): number | null {
    const run = this.#atOrAfter(number);
    return run === null ? null : Math.max(run.first, number);
  }

  /** The first run that ends at or after this segment. */
  #atOrAfter(number: number): SegmentRun | null {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.runs[middle] as SegmentRun).last < number) low = middle + 1;
      else high = middle;
    }
    return this.runs[low] ?? null;
  }
}
