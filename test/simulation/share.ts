import type { Range } from './sweep.ts';
import { NOTHING, type Tally, together } from './tally.ts';

/** Schedules that are run at a time: a second or two, which is how long an interrupt may take. */
const PORTION = 500;

export type Run = (portion: Range) => Promise<Tally>;

/** How far a sweep has come: every seed before `next` was given out, and is in the tally once it has ended. */
export interface SoFar {
  readonly tally: Tally;
  readonly next: number;
}

/**
 * Shares a range of seeds out to runners, portion by portion. One that is stopped ends what was given out, so that all
 * before `next` was run. Rejects with the first error of a runner.
 */
export async function share(
  range: Range,
  runners: readonly Run[],
  isStopped: () => boolean,
  tell: (soFar: SoFar, part: Tally) => void,
): Promise<SoFar> {
  let tally = NOTHING;
  let next = range.from;
  let hasFailed = false;
  const end = range.from + range.seeds;
  const size = Math.max(1, Math.min(PORTION, Math.ceil(range.seeds / runners.length)));
  const serve = async (run: Run): Promise<void> => {
    while (next < end && tally.violations.length < range.stop && !hasFailed && !isStopped()) {
      const from = next;
      const seeds = Math.min(size, end - from);
      next += seeds;
      try {
        const part = await run({ ...range, from, seeds });
        tally = together(tally, part);
        tell({ tally, next }, part);
      } catch (error) {
        hasFailed = true;
        throw new Error(`the schedules from seed ${from} failed`, { cause: error });
      }
    }
  };
  await Promise.all(runners.map(serve));
  return { tally, next };
}
