import { describe, expect, test } from 'vitest';
import { readQueries } from '../../../../src/agent/sql-metrics/read-queries.ts';

const ORDERS = `
orders:
  query: SELECT state, count(*) AS open FROM orders GROUP BY state
  primary: true
  cache_seconds: 60
  runonserver: ">=14.0.0"
  target_databases: ["shop_*"]
  predicate_query: SELECT to_regclass('orders') IS NOT NULL
  metrics:
    - state:
        usage: LABEL
        description: State of the orders
    - open:
        usage: GAUGE
        description: Orders by state
`;

const read = (text: string, prefix = 'pgwarden_sql_') => readQueries([{ file: '/q.yaml', text }], prefix);
const complaints = (text: string, prefix?: string): readonly string[] =>
  read(text, prefix).problems.map(({ path, message, source }) => `${path} (${source}): ${message}`);
/** One query with these lines under it. */
const query = (lines: string): string =>
  `q:\n  query: select 1 as n\n  metrics: [{n: {usage: GAUGE}}]\n${lines}`;
const columns = (items: string): string => `q:\n  query: select 1\n  metrics: [${items}]`;

describe('a file of queries', () => {
  test('says what to run, when, and what its columns become', () => {
    const { queries, problems } = read(ORDERS);
    expect(problems).toEqual([]);
    expect(queries).toMatchObject([
      {
        name: 'orders',
        text: 'SELECT state, count(*) AS open FROM orders GROUP BY state',
        predicate: "SELECT to_regclass('orders') IS NOT NULL",
        onPrimary: true,
        every: 60_000,
        databases: ['shop_*'],
        columns: [
          { kind: 'label', column: 'state', label: 'state' },
          { kind: 'gauge', column: 'open', metric: 'pgwarden_sql_orders_open', help: 'Orders by state' },
        ],
      },
    ]);
    expect(queries[0]?.versions?.({ major: 13, minor: 9 })).toBe(false);
  });

  test('may be empty', () => {
    expect(read('')).toEqual({ queries: [], problems: [] });
  });

  test('names metrics as CloudNativePG does, under its prefix', () => {
    const { queries } = read(
      columns('{a: {usage: DURATION}}, {b: {usage: counter, name: total}}, {c: {usage: DISCARD}}'),
      'cnpg_',
    );
    expect(queries[0]?.columns).toMatchObject([
      { kind: 'duration', metric: 'cnpg_q_a_milliseconds' },
      { kind: 'counter', metric: 'cnpg_q_total' },
      { kind: 'discard', column: 'c' },
    ]);
  });

  test.each([
    ['no YAML', 'a: [', /^ \(\/q.yaml line \d+\): not YAML/],
    ['no map', '- 1', /allowed: a map of settings/],
    [
      'a misspelt key',
      query('  runonsever: "14"'),
      /^q\.runonsever \(\/q\.yaml line 4\): .*did you mean runonserver\?/,
    ],
    ['a misspelt key of a column', columns('{n: {usge: GAUGE}}'), /did you mean usage\?/],
    [
      'an unknown usage',
      columns('{n: {usage: SUMMARY}}'),
      /^q\.metrics\.0\.n\.usage .*allowed: LABEL, GAUGE, COUNTER/,
    ],
    [
      'a version range that is none',
      query('  runonserver: newest'),
      /runonserver .*allowed: a range of versions/,
    ],
    [
      'a pattern that is none',
      query('  target_databases: ["[z-a]"]'),
      /target_databases\.0 .*allowed: the name of a database/,
    ],
    ['no query', 'q:\n  metrics: [{n: {usage: GAUGE}}]', /^q\.query .*allowed: one SELECT/],
    ['no metrics', 'q:\n  query: select 1', /^q\.metrics .*allowed: a list/],
    ['labels alone', columns('{n: {usage: LABEL}}'), /has no metric/],
    [
      'two columns in one item',
      columns('{n: {usage: GAUGE}, m: {usage: GAUGE}}'),
      /allowed: one column an item/,
    ],
    [
      'a column twice',
      columns('{n: {usage: GAUGE}}, {n: {usage: COUNTER, name: m}}'),
      /the column n is described twice/,
    ],
    ['a label that is none', columns('{"a b": {usage: LABEL}}, {n: {usage: GAUGE}}'), /a b can be no label/],
    ['a metric that is none', columns('{"a-b": {usage: GAUGE}}'), /pgwarden_sql_q_a-b can be no metric/],
    [
      'a name that is none',
      'a-b:\n  query: select 1\n  metrics: [{n: {usage: GAUGE}}]',
      /the name is not allowed/,
    ],
    [
      'a mapping without MAPPEDMETRIC',
      columns('{n: {usage: GAUGE, metric_mapping: {a: 1}}}'),
      /goes together with usage/,
    ],
    ['MAPPEDMETRIC without a mapping', columns('{n: {usage: MAPPEDMETRIC}}'), /goes together with usage/],
    ['a query twice', `${query('')}\n${query('')}`, /not YAML/],
  ])('is refused with its line: %s', (_, text, said) => {
    expect(complaints(text).join('\n')).toMatch(said);
    expect(read(text).queries).toEqual([]);
  });

  test('may not name a metric like one of the agent', () => {
    const text = 'process:\n  query: select 1 as n\n  metrics: [{cpu_seconds_total: {usage: COUNTER}}]';
    expect(complaints(text, '').join()).toMatch(
      /process_cpu_seconds_total would be taken for one of the agent's own/,
    );
  });

  test('may not name a metric like another query does', () => {
    const text = `
a:
  query: select 1
  metrics: [{b_c: {usage: GAUGE}}]
a_b:
  query: select 1
  metrics: [{c: {usage: GAUGE}}]`;
    expect(complaints(text).join()).toMatch(/a_b .*metric pgwarden_sql_a_b_c is in \/q.yaml already/);
  });

  test('that is wrong takes nothing from another one', () => {
    const { queries, problems } = readQueries(
      [
        { file: '/wrong.yaml', text: 'q: 1' },
        { file: '/right.yaml', text: ORDERS },
      ],
      'pgwarden_sql_',
    );
    expect(problems.map(({ file }) => file)).toEqual(['/wrong.yaml']);
    expect(queries.map(({ name }) => name)).toEqual(['orders']);
  });
});
