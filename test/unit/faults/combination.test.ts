import { describe, expect, test } from 'vitest';
import { combine, randomCombinations } from '../../faults/run/combination.ts';
import { SCENARIOS } from '../../faults/scenarios/all.ts';
import { scenario, type World } from '../../faults/scenarios/scenario.ts';
import { Random } from '../../simulation/engine/random.ts';

/** A world in which time passes at once. */
const worldOf = (notes: string[]): World => ({
  stage: undefined as never,
  load: undefined as never,
  random: new Random(1, 'test'),
  signal: new AbortController().signal,
  isLong: false,
  sleep: async () => {},
  expect: () => {},
  note: (text) => notes.push(text),
});

describe('the scenarios', () => {
  test('are many, and each has a name of its own', () => {
    expect(SCENARIOS.length).toBeGreaterThanOrEqual(24);
    expect(new Set(SCENARIOS.map(({ id }) => id)).size).toBe(SCENARIOS.length);
  });
});

describe('a random combination', () => {
  test('is the same for the same seed, and another for another', () => {
    const ids = (seed: number) =>
      randomCombinations(SCENARIOS, 20, new Random(seed, 'combinations')).map(({ id }) => id);
    expect(ids(7)).toEqual(ids(7));
    expect(ids(7)).not.toEqual(ids(8));
  });

  test('has two or three different faults that can be mixed', () => {
    for (const { id } of randomCombinations(SCENARIOS, 50, new Random(3, 'combinations'))) {
      const parts = id.split('+');
      expect([2, 3]).toContain(parts.length);
      expect(new Set(parts).size).toBe(parts.length);
      for (const part of parts) {
        expect(SCENARIOS.find((one) => one.id === part)?.isCombinable).toBe(true);
      }
    }
  });
});

describe('a combination', () => {
  test('heals each fault once, also those that outlast the run', async () => {
    const healed: string[] = [];
    const part = (id: string) =>
      scenario({ id, title: id, inject: async () => async () => void healed.push(id) });
    const heal = await combine([part('a'), part('b')]).inject(worldOf([]));
    await heal();
    expect(healed.toSorted()).toEqual(['a', 'b']);
  });

  test('goes on without a fault that finds nothing to hurt, and says so', async () => {
    const notes: string[] = [];
    const healed: string[] = [];
    const good = scenario({
      id: 'good',
      title: '',
      inject: async () => async () => void healed.push('good'),
    });
    const bad = scenario({ id: 'bad', title: '', inject: () => Promise.reject(new Error('no walreceiver')) });
    await combine([bad, good]).inject(worldOf(notes));
    expect(healed).toEqual(['good']);
    expect(notes).toEqual(['bad was cut short: no walreceiver']);
  });

  test('has no bound on plain reads where one of its faults has none', () => {
    const bounded = scenario({ id: 'a', title: '', inject: () => Promise.reject(new Error()) });
    expect(combine([bounded, bounded]).oldestReadMillis).toBe(bounded.oldestReadMillis);
    expect(combine([bounded, { ...bounded, oldestReadMillis: null }]).oldestReadMillis).toBeNull();
  });
});
