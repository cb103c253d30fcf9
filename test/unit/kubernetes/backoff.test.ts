import { describe, expect, it } from 'vitest';
import { millis } from '../../../src/ha/units.ts';
import { backoffPause } from '../../../src/kubernetes/backoff.ts';

const LIMITS = { initial: millis(100), maximum: millis(5_000) };

describe('the pause after failures', () => {
  it('doubles from the initial one up to the maximum', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((n) => backoffPause(n, LIMITS, 0))).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
    ]);
  });

  it('is shortened by a random half at most, so that members part', () => {
    expect(backoffPause(1, LIMITS, 1)).toBe(50);
    expect(backoffPause(100, LIMITS, 0.5)).toBe(3_750);
  });

  it('stays finite after any number of failures', () => {
    expect(backoffPause(1e9, LIMITS, 0)).toBe(5_000);
  });
});
