import { expect, test } from 'vitest';
import {
  claimsNoMore,
  countIn,
  defaultAcks,
  NOBODY,
  parseSynchronousStandbyNames,
  promisesNeeded,
  sameCohort,
  synchronousStandbyNames,
} from '../../../src/ha/quorum.ts';
import type { Cohort } from '../../../src/ha/record.ts';
import { cohort, id, ids } from './views.ts';

test('half of the standbys acknowledge by default, rounded up', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7].map(defaultAcks)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
});

test('n - k + 1 promises meet every set of k acknowledgers, and one fewer does not', () => {
  for (let n = 1; n <= 5; n += 1) {
    for (let k = 1; k <= n; k += 1) {
      const needed = promisesNeeded({ members: ids(...range(n)), acks: k });
      // k acknowledgers and `needed` promises out of n overlap; with one promise fewer they need not.
      expect(needed + k).toBe(n + 1);
    }
  }
});

test('no number of promises is enough in asynchronous mode', () => {
  expect(promisesNeeded(cohort(0, 1, 2))).toBe(3);
});

test('a record with more acks than members never asks for less than one promise', () => {
  expect(promisesNeeded(cohort(3, 1, 2))).toBe(1);
});

test('publishing claims no more than Postgres gives exactly if every set that Postgres accepts holds k of S', () => {
  const cohorts = allCohorts(4);
  for (const published of cohorts) {
    for (const effective of cohorts) {
      const everySetHolds = acknowledgerSets(effective).every(
        (set) => countIn(published.members, set) >= published.acks,
      );
      expect(claimsNoMore(published, effective), JSON.stringify({ published, effective })).toBe(
        everySetHolds,
      );
    }
  }
});

test('a record that publishes no acks claims nothing, whatever Postgres counts', () => {
  expect(claimsNoMore(cohort(0), cohort(1, 1, 2))).toBe(true);
});

test('the setting is written and read back', () => {
  expect(synchronousStandbyNames(cohort(1, 2, 1))).toBe(`ANY 1 ("${id(1)}","${id(2)}")`);
  expect(synchronousStandbyNames(cohort(0, 1, 2))).toBe('');
  for (const some of allCohorts(4).filter((one) => one.acks > 0)) {
    const read = parseSynchronousStandbyNames(synchronousStandbyNames(some));
    expect(read !== null && sameCohort(read, some)).toBe(true);
  }
  expect(parseSynchronousStandbyNames('')).toEqual({ members: [], acks: 0 });
});

test('what somebody else wrote, and the name that nobody has, are not read as a cohort', () => {
  expect(parseSynchronousStandbyNames('*')).toBeNull();
  expect(parseSynchronousStandbyNames('FIRST 1 (a)')).toBeNull();
  expect(parseSynchronousStandbyNames(NOBODY)).toBeNull();
});

test('an identity counts once, however many walsenders carry its name', () => {
  expect(countIn(ids(1, 2), [id(1), id(1), id(3)])).toBe(1);
});

test('cohorts are the same whatever their order', () => {
  expect(sameCohort(cohort(1, 1, 2), cohort(1, 2, 1))).toBe(true);
  expect(sameCohort(cohort(1, 1, 2), cohort(2, 1, 2))).toBe(false);
  expect(sameCohort(cohort(1, 1, 2), cohort(1, 1, 3))).toBe(false);
});

function range(n: number): number[] {
  return Array.from({ length: n }, (_, index) => index + 1);
}

function subsets<T>(items: readonly T[]): T[][] {
  const [first, ...rest] = items;
  if (first === undefined) return [[]];
  return subsets(rest).flatMap((set) => [set, [first, ...set]]);
}

function allCohorts(members: number): Cohort[] {
  return subsets(range(members)).flatMap((set) =>
    Array.from({ length: set.length + 1 }, (_, acks) => cohort(acks, ...set)),
  );
}

/** The sets that make Postgres go on; in asynchronous mode, the empty one. */
function acknowledgerSets(effective: Cohort) {
  return subsets(effective.members).filter((set) => set.length === effective.acks);
}
