import { describe, expect, test } from 'vitest';
import { isDue, schedule } from '../../../../src/agent/backup/schedule.ts';

const at = (text: string): Date => new Date(text);

describe('a schedule', () => {
  test('was due last at its time in its zone, that very second included', () => {
    const nightly = schedule('0 2 * * *', 'Europe/Berlin');
    expect(nightly.lastDue(at('2026-01-10T00:59:59Z'))).toEqual(at('2026-01-09T01:00:00Z'));
    expect(nightly.lastDue(at('2026-01-10T01:00:00Z'))).toEqual(at('2026-01-10T01:00:00Z'));
    expect(nightly.nextDue(at('2026-01-10T01:00:00Z'))).toEqual(at('2026-01-11T01:00:00Z'));
  });

  test('goes with the change of the clocks', () => {
    const daily = schedule('30 3 * * *', 'Europe/Berlin');
    expect(daily.nextDue(at('2026-03-28T12:00:00Z'))).toEqual(at('2026-03-29T01:30:00Z'));
    expect(daily.nextDue(at('2026-03-27T12:00:00Z'))).toEqual(at('2026-03-28T02:30:00Z'));
  });
});

describe('a backup is due', () => {
  const hour = 3_600_000;
  test('when none has begun since, and not when one has', () => {
    expect(isDue(10 * hour, 9 * hour, 8 * hour, null)).toBe(true);
    expect(isDue(10 * hour, 9 * hour, 9 * hour, null)).toBe(false);
    expect(isDue(10 * hour, 9 * hour, 9.5 * hour, null)).toBe(false);
  });

  test('at once where there is none at all', () => {
    expect(isDue(10 * hour, null, null, null)).toBe(true);
    expect(isDue(10 * hour, 9 * hour, null, null)).toBe(true);
  });

  test('again some time after a try that failed, each time later, up to an hour', () => {
    const tries = (count: number) => ({ due: 9 * hour, count, lastAt: 10 * hour });
    const minutes = (value: number): number => 10 * hour + value * 60_000;
    expect(isDue(minutes(4), 9 * hour, 8 * hour, tries(1))).toBe(false);
    expect(isDue(minutes(5), 9 * hour, 8 * hour, tries(1))).toBe(true);
    expect(isDue(minutes(9), 9 * hour, 8 * hour, tries(2))).toBe(false);
    expect(isDue(minutes(10), 9 * hour, 8 * hour, tries(2))).toBe(true);
    expect(isDue(minutes(60), 9 * hour, 8 * hour, tries(20))).toBe(true);
    // The next time is another matter.
    expect(isDue(minutes(1), 10 * hour, 8 * hour, tries(3))).toBe(true);
  });
});
