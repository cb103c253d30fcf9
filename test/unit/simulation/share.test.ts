import { describe, expect, it } from 'vitest';
import { type Run, share } from '../../simulation/share.ts';
import type { Range } from '../../simulation/sweep.ts';
import { NOTHING } from '../../simulation/tally.ts';

const range: Range = { from: 10, seeds: 3_000, sizes: [3], kind: 'dense', script: null, stop: 10 };

/** Takes turns with the others, and remembers which seeds it was given. */
function runner(given: number[], violations = 0): Run {
  return async ({ from, seeds }) => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let seed = from; seed < from + seeds; seed++) given.push(seed);
    return { ...NOTHING, schedules: seeds, violations: Array.from({ length: violations }, () => 'seed') };
  };
}

const sorted = (seeds: readonly number[]): number[] => seeds.toSorted((a, b) => a - b);
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, at) => first + at);

describe('a range of seeds that is shared out', () => {
  it('is run once each, by all runners together', async () => {
    const given: number[] = [];
    const { tally, next } = await share(
      range,
      [runner(given), runner(given)],
      () => false,
      () => undefined,
    );
    expect(sorted(given)).toEqual(from(10, 3_000));
    expect(tally.schedules).toBe(3_000);
    expect(next).toBe(3_010);
  });

  it('leaves no seed out before the one to go on with, when it is stopped', async () => {
    const given: number[] = [];
    const { tally, next } = await share(
      range,
      [runner(given), runner(given)],
      () => given.length > 500,
      () => undefined,
    );
    expect(tally.schedules).toBeLessThan(3_000);
    expect(sorted(given)).toEqual(from(10, next - 10));
    expect(tally.schedules).toBe(given.length);
  });

  it('ends with enough violations', async () => {
    const { tally } = await share(
      range,
      [runner([], 10)],
      () => false,
      () => undefined,
    );
    expect(tally.schedules).toBe(500);
  });

  it('ends with the first failure, and says where', async () => {
    const given: number[] = [];
    const failing: Run = () => Promise.reject(new Error('out of memory'));
    await expect(
      share(
        range,
        [failing, runner(given)],
        () => false,
        () => undefined,
      ),
    ).rejects.toThrow('the schedules from seed 10 failed');
    expect(given.length).toBeLessThan(3_000);
  });
});
