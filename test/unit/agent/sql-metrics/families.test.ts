import { describe, expect, test } from 'vitest';
import type { Column, MetricQuery } from '../../../../src/agent/sql-metrics/definition.ts';
import { familiesOf, type Row } from '../../../../src/agent/sql-metrics/families.ts';
import { exposition } from '../../../../src/http/exposition.ts';

const LABEL: Column = { kind: 'label', column: 'state', label: 'state' };
const metric = (kind: 'gauge' | 'counter' | 'duration' | 'histogram'): Column => ({
  kind,
  column: 'n',
  metric: 'q_n',
  help: 'N\n of \\ things',
});

function shown(columns: readonly Column[], rows: readonly Row[]): string {
  const query: MetricQuery = {
    name: 'q',
    text: '',
    predicate: null,
    onPrimary: false,
    every: null,
    versions: null,
    databases: [],
    columns,
  };
  return exposition(familiesOf(query, rows));
}

const lineOf = (kind: Parameters<typeof metric>[0], n: unknown): string | undefined =>
  shown([metric(kind)], [{ n }]).split('\n')[2];

describe('rows', () => {
  test('become series with labels', () => {
    const rows = [
      { state: 'new "one"\n', n: '12' },
      { state: null, n: 3 },
    ];
    expect(shown([LABEL, metric('counter')], rows)).toBe(
      '# HELP q_n N\\n of \\\\ things\n# TYPE q_n counter\nq_n{state="new \\"one\\"\\n"} 12\nq_n{state=""} 3\n',
    );
  });

  test('without any there is no metric', () => {
    expect(shown([LABEL, metric('gauge')], [])).toBe('');
  });

  test.each([
    ['9007199254740993', 'q_n 9007199254740992'],
    ['1.5e3', 'q_n 1500'],
    ['-Infinity', 'q_n -Inf'],
    ['NaN', 'q_n NaN'],
    [true, 'q_n 1'],
    [new Date('2026-01-01T00:00:00.500Z'), 'q_n 1767225600.5'],
  ])('a gauge of %s', (n, line) => {
    expect(lineOf('gauge', n)).toBe(line);
  });

  test('a null is left out', () => {
    expect(shown([metric('gauge')], [{ n: null }])).toBe('');
  });

  test.each([
    ['1h2m3.5s', 'q_n 3723500'],
    ['250ms', 'q_n 250'],
    ['-1s', 'q_n -1000'],
  ])('a duration of %s is in milliseconds', (n, line) => {
    expect(lineOf('duration', n)).toBe(line);
  });

  test('a text is a number by its mapping', () => {
    const mapped: Column = { kind: 'mapped', column: 'n', metric: 'q_n', help: '', values: { up: 1 } };
    expect(shown([mapped], [{ n: 'up' }])).toContain('q_n 1');
    expect(() => shown([mapped], [{ n: 'toString' }])).toThrow('which its metric_mapping does not have');
  });

  test('arrays are a histogram, closed by all of them', () => {
    const row = { n: [0.1, 1], n_bucket: ['3', '5'], n_sum: '7.5', n_count: '6' };
    expect(
      shown([metric('histogram')], [row])
        .split('\n')
        .slice(1),
    ).toEqual([
      '# TYPE q_n histogram',
      'q_n_bucket{le="0.1"} 3',
      'q_n_bucket{le="1"} 5',
      'q_n_bucket{le="+Inf"} 6',
      'q_n_sum 7.5',
      'q_n_count 6',
      '',
    ]);
    expect(() => shown([metric('histogram')], [{ ...row, n_bucket: [1] }])).toThrow('make no histogram');
  });

  test.each([
    ['a column that the file does not have', [{ n: 1, more: 2 }], 'column more that is not under metrics'],
    ['a column that the query does not give', [{ m: 1 }], 'gives no column n; it gives m'],
    ['no number', [{ n: 'much' }], 'has "much", which is no number'],
    ['no number either', [{ n: { a: 1 } }], 'which is no number'],
  ])('fail the query: %s', (_, rows: readonly Row[], why) => {
    expect(() => shown([metric('gauge')], rows)).toThrow(why);
  });

  test('that Prometheus could not tell apart fail the query, not the scrape', () => {
    const rows = [
      { state: 'a', n: 1 },
      { state: 'a', n: 2 },
    ];
    expect(() => shown([LABEL, metric('gauge')], rows)).toThrow('two rows have the labels {"state":"a"}');
  });
});
