import { beforeEach, describe, expect, test } from 'vitest';
import type { MetricQuery } from '../../../../src/agent/sql-metrics/definition.ts';
import { Outcomes } from '../../../../src/agent/sql-metrics/outcomes.ts';
import { instant, millis } from '../../../../src/ha/units.ts';
import type { MetricFamily } from '../../../../src/http/exposition.ts';

const query = (name: string): MetricQuery => ({
  name,
  text: 'select 1 as n',
  predicate: null,
  onPrimary: false,
  every: null,
  versions: null,
  databases: [],
  columns: [],
});
const FAMILY: MetricFamily = { name: 'n', help: '', type: 'gauge', series: [] };
const EVERY = millis(10_000);

describe('outcomes of queries', () => {
  const queries = [query('a'), query('b')];
  let log: string[];
  let outcomes: Outcomes;
  beforeEach(() => {
    log = [];
    const write = (_: object, message: string): void => void log.push(message);
    outcomes = new Outcomes({ debug: write, info: write, warn: write, error: write });
    outcomes.reset(queries, instant(0));
  });

  const ran = (name: string, startedAt: number, now: number, ...errors: string[]): void =>
    outcomes.ran(
      query(name),
      { families: errors.length === 0 ? [FAMILY] : [], errors, duration: millis(now - startedAt) },
      { startedAt: instant(startedAt), every: EVERY, now: instant(now) },
    );
  const due = (now: number): readonly string[] => outcomes.due(queries, instant(now)).map(({ name }) => name);

  test('all are due at first, and then each a time after it began', () => {
    expect(due(0)).toEqual(['a', 'b']);
    ran('a', 0, 100);
    expect(due(9_999)).toEqual(['b']);
    expect(outcomes.next(instant(9_000))).toBe(0);
    ran('b', 5_000, 5_100);
    expect(outcomes.next(instant(9_000))).toBe(1_000);
    expect(due(10_000)).toEqual(['a']);
  });

  test('one that runs for longer than its time is not run without a pause', () => {
    ran('a', 0, 12_000);
    expect(due(21_999)).toEqual(['b']);
    expect(due(22_000)).toEqual(['a', 'b']);
  });

  test('a failure is told when it comes, when it is another, and when it ends', () => {
    ran('a', 0, 1, 'x');
    ran('a', 10, 11, 'x');
    ran('a', 20, 21, 'y');
    ran('a', 30, 31);
    ran('a', 40, 41);
    expect(log).toEqual([
      'The metrics of a are missing: x',
      'The metrics of a are missing: y',
      'The metrics of a are back',
    ]);
    expect(outcomes.report()[0]).toEqual({ query: 'a', succeeded: true, duration: 0.001, failures: 3 });
  });

  test('what is not run shows nothing, neither success nor failure', () => {
    ran('a', 0, 1);
    expect(outcomes.families()).toEqual([FAMILY]);
    outcomes.rest(query('a'), EVERY, instant(10));
    expect(outcomes.families()).toEqual([]);
    expect(outcomes.report()[0]?.succeeded).toBeNull();
    expect(due(11)).toEqual(['b']);
    outcomes.restAll(instant(12));
    expect(due(12)).toEqual(['a', 'b']);
  });

  test('other queries are counted on by name', () => {
    ran('a', 0, 1, 'x');
    outcomes.reset([query('a'), query('c')], instant(5));
    expect(outcomes.report().map(({ query: name, failures }) => [name, failures])).toEqual([
      ['a', 1],
      ['c', 0],
    ]);
  });
});
