import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../simulation/mutants/mutants.ts';
import { WAYS } from '../../simulation/mutants/ways.ts';
import { scheduleOf } from '../../simulation/schedule.ts';
import { SCRIPTS, scriptNamed } from '../../simulation/scripts/scripts.ts';

describe('the scripts', () => {
  it.each(SCRIPTS.map((script) => [script.name, script] as const))(
    'give plain data, in order, and the same for the same seed: %s',
    (name, { least, setup }) => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const members = Math.max(least, 3);
        const schedule = scheduleOf(seed, members, 'dense', name);
        expect(JSON.parse(JSON.stringify(schedule))).toEqual(schedule);
        expect(schedule).toEqual(scheduleOf(seed, members, 'dense', name));
        expect(schedule.setup).toMatchObject(setup ?? {});
        const times = schedule.faults.map(({ at }) => at);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(schedule.until).toBeGreaterThan(Math.min(...times));
      }
    },
  );

  it('are asked for by a part of their name that no other has', () => {
    expect(() => scriptNamed('no script of all')).toThrow(/is in the name of 0 scripts/);
    expect(() => scriptNamed('the')).toThrow(RangeError);
  });

  it('say how many members they need', () => {
    expect(() => scheduleOf(1, 3, 'dense', 'followed the old primary for longer')).toThrow(/needs 5 members/);
  });
});

describe('the ways to planted mistakes', () => {
  it.each(Object.entries(WAYS))('lead by a script: %s', (name, { script, members }) => {
    expect(MUTANTS.map((mutant) => mutant.name)).toContain(name);
    expect(members).toBeGreaterThanOrEqual(scriptNamed(script).least);
  });
});
