import { describe, expect, test } from 'vitest';
import { schedule } from '../../../../src/agent/backup/schedule.ts';
import { afterTry, jobIsDue } from '../../../../src/agent/retention/scheduled.ts';

const MINUTE = 60_000;
const DAILY = schedule('0 4 * * *', 'Europe/Berlin');
/** In winter Berlin is an hour ahead. */
const FOUR = Date.UTC(2030, 0, 31, 3, 0, 0);

describe('a job with a schedule', () => {
  test('is due from its time on, in its zone, until one has begun since', () => {
    const yesterday = FOUR - 24 * 60 * MINUTE;
    expect(jobIsDue(FOUR - MINUTE, DAILY, yesterday, null)).toBe(false);
    expect(jobIsDue(FOUR + MINUTE, DAILY, yesterday, null)).toBe(true);
    expect(jobIsDue(FOUR + MINUTE, DAILY, FOUR, null)).toBe(false);
    // Missed while nobody led.
    expect(jobIsDue(FOUR + 600 * MINUTE, DAILY, yesterday, null)).toBe(true);
    expect(jobIsDue(FOUR - MINUTE, DAILY, null, null)).toBe(true);
  });

  test('is tried again after a failure, ever later', () => {
    let now = FOUR + MINUTE;
    let tries = afterTry(now, DAILY, null);
    expect(jobIsDue(now + 9 * MINUTE, DAILY, null, tries)).toBe(false);
    now += 10 * MINUTE;
    expect(jobIsDue(now, DAILY, null, tries)).toBe(true);
    tries = afterTry(now, DAILY, tries);
    expect(jobIsDue(now + 19 * MINUTE, DAILY, null, tries)).toBe(false);
    expect(jobIsDue(now + 20 * MINUTE, DAILY, null, tries)).toBe(true);
    for (let times = 0; times < 5; times++) tries = afterTry(now, DAILY, tries);
    expect(jobIsDue(now + 60 * MINUTE, DAILY, null, tries)).toBe(true);
    // The next time has tries of its own.
    expect(jobIsDue(FOUR + 24 * 60 * MINUTE, DAILY, null, tries)).toBe(true);
    expect(afterTry(FOUR + 24 * 60 * MINUTE, DAILY, tries).count).toBe(1);
  });
});
