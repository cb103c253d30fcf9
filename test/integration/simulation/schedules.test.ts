import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../simulation/mutants/mutants.ts';
import { WAYS } from '../../simulation/mutants/ways.ts';
import { simulate } from './simulator.ts';

const violations = (text: string) => text.split('\n').filter((line) => line.startsWith('seed '));

describe('the protocol under hostile schedules', () => {
  it.each([
    { members: 3, seeds: 12_000 },
    { members: 2, seeds: 4_000 },
    { members: 4, seeds: 1_500 },
    { members: 5, seeds: 1_000 },
    { members: 1, seeds: 1_500 },
  ])(
    'keeps its promises with $members members in $seeds schedules',
    async ({ members, seeds }) => {
      const { code, text } = await simulate('--seeds', `${seeds}`, '--members', `${members}`, '--jobs', '2');
      expect(violations(text)).toEqual([]);
      expect(code).toBe(0);
    },
    900_000,
  );

  it('keeps its promises in schedules that last, from empty volumes', async () => {
    const { code, text } = await simulate('--seeds', '400', '--long', '--jobs', '2');
    expect(violations(text)).toEqual([]);
    expect(code).toBe(0);
  });

  it('keeps them in every schedule that once showed a mistake', async () => {
    const { code, text } = await simulate('--regressions');
    expect(text).toMatch(/[1-9]\d* schedules of earlier findings, 0 violations/);
    expect(code).toBe(0);
  });

  it.each([
    { what: 'a dense schedule', args: ['--seed', '7'] },
    // Its trace names a cluster whose identifier is made up on the way.
    { what: 'a long one', args: ['--seed', '2', '--long'] },
  ])('gives the same trace for the same seed, byte for byte: $what', async ({ args }) => {
    const first = await simulate(...args, '--trace');
    const second = await simulate(...args, '--trace');
    expect(first.text.length).toBeGreaterThan(1_000);
    expect(second.text).toBe(first.text);
  });
});

describe('the checks of the simulator', () => {
  it.each([
    'the receiver runs on after a promise',
    'a member that hears the primary promises',
    'positions are not compared at all',
    'the quorum is one too small',
    'the candidate is counted twice',
    'no names before the promotion',
    'clients come in before the epoch is settled',
    'a Lease expires at once',
    'a timeline number is used again',
    'a wiped member votes',
    'LSN is compared before epoch',
    'a promise is not on disk when it is told',
    'a promotion goes on in spite of a higher promise',
    'a member that gave its word acquires all the same',
    'an older copy of the record of the same epoch is obeyed',
  ])('fail when %s', async (name) => {
    const index = MUTANTS.findIndex((mutant) => mutant.name === name);
    const way = WAYS[name];
    const how = way === undefined ? [] : ['--members', `${way.members}`, '--script', way.script];
    const { code, text } = await simulate('--seeds', '1500', '--stop', '1', '--mutant', `${index}`, ...how);
    expect(violations(text)).toHaveLength(1);
    expect(code).toBe(1);
  });
});
