import type { Schedule } from '../backup/schedule.ts';

/** Tries of a job that a schedule brought about. Times in milliseconds of Unix time. */
export interface JobTries {
  readonly due: number;
  readonly count: number;
  readonly lastAt: number;
}

/** Milliseconds. */
const FIRST_PAUSE = 10 * 60_000;
const LONGEST_PAUSE = 3_600_000;

/**
 * Whether a job is to be begun now: when none has been since the schedule was due last. What was missed while nobody
 * led is made up for, what is not known to have ever been is due at once, and a try that failed is followed by another
 * after ten minutes, then twenty, up to an hour.
 *
 * @param lastBegan when one that came about began last; null: never
 */
export function jobIsDue(
  now: number,
  schedule: Schedule,
  lastBegan: number | null,
  tries: JobTries | null,
): boolean {
  const due = schedule.lastDue(new Date(now))?.getTime() ?? null;
  if (due === null || (lastBegan !== null && lastBegan >= due)) return false;
  if (tries === null || tries.due !== due) return true;
  return now - tries.lastAt >= Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries.count - 1));
}

/** The tries with one more. */
export function afterTry(now: number, schedule: Schedule, tries: JobTries | null): JobTries {
  const due = schedule.lastDue(new Date(now))?.getTime() ?? 0;
  return { due, count: tries?.due === due ? tries.count + 1 : 1, lastAt: now };
}
