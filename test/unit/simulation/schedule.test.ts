import { describe, expect, it } from 'vitest';
import { scheduleOf } from '../../simulation/schedule.ts';

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

describe('the schedule of a seed', () => {
  it('is the same every time', () => {
    for (const seed of seeds) expect(scheduleOf(seed, 3)).toEqual(scheduleOf(seed, 3));
  });

  it('is plain data', () => {
    for (const seed of seeds) {
      const schedule = scheduleOf(seed, 4);
      expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule);
    }
  });

  it('loses at most one volume, and never a record besides it but on purpose', () => {
    for (const seed of seeds) {
      const kinds = scheduleOf(seed, 3).faults.map((fault) => fault.kind);
      const volumes = kinds.filter((kind) => kind.startsWith('volume'));
      expect(volumes.length).toBeLessThan(2);
      if (volumes.length === 1)
        expect(kinds.some((kind) => /^record (deleted|restored)/.test(kind))).toBe(false);
    }
  });

  it('has settings that the configuration would allow', () => {
    for (const seed of seeds) {
      const { leaseDuration, stopTimeout, suspectAfter } = scheduleOf(seed, 3).setup;
      expect(leaseDuration * 0.99 - stopTimeout).toBeGreaterThanOrEqual((2 * leaseDuration) / 3);
      expect(suspectAfter).toBeLessThan(leaseDuration);
    }
  });
});
