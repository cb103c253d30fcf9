import { Cron } from 'croner';

/** A schedule as cron has it, in a time zone. */
export interface Schedule {
  /** When it was due last, at or before `now`; null: never yet. */
  lastDue(now: Date): Date | null;
  nextDue(now: Date): Date | null;
}

/** `expression` was checked with the configuration. */
export function schedule(expression: string, timeZone: string): Schedule {
  const cron = new Cron(expression, { timezone: timeZone, paused: true });
  return {
    lastDue: (now) => cron.previousRuns(1, new Date(now.getTime() + 1_000))[0] ?? null,
    nextDue: (now) => cron.nextRun(now),
  };
}

/** What a scheduler remembers of its own tries. */
export interface Tries {
  /** The time that they were for. */
  readonly due: number;
  readonly count: number;
  readonly lastAt: number;
}

/** Milliseconds. */
const FIRST_PAUSE = 5 * 60_000;
const LONGEST_PAUSE = 3_600_000;

/**
 * Whether a backup is to be begun now. It is when none has begun since the schedule was due last: what was missed
 * while nobody led is made up for, and a cluster without any backup gets one at once. A try that failed is followed by
 * the next after five minutes, then ten, up to an hour. Times in milliseconds of Unix time.
 *
 * @param newest when the newest backup of the archive began; null: there is none
 */
export function isDue(
  now: number,
  lastDue: number | null,
  newest: number | null,
  tries: Tries | null,
): boolean {
  if (newest !== null && (lastDue === null || newest >= lastDue)) return false;
  if (tries === null || tries.due !== (lastDue ?? 0)) return true;
  return now - tries.lastAt >= Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries.count - 1));
}
