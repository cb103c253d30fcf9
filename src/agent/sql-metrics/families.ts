import type { MetricFamily } from '../../http/exposition.ts';
import type { Column, MetricQuery } from './definition.ts';
import { QueryResultError } from './errors.ts';
import { durationOf, labelOf, mappedOf, numberOf, numbersOf } from './values.ts';

export type Row = Readonly<Record<string, unknown>>;

type Series = MetricFamily['series'][number];
type Metric = Exclude<Column, { readonly kind: 'label' | 'discard' }>;

/**
 * The metrics of a query out of all its rows. Two series of one name and labels would have Prometheus refuse the whole
 * scrape, so they fail the query instead.
 * @throws QueryResultError
 */
export function familiesOf(query: MetricQuery, rows: readonly Row[]): readonly MetricFamily[] {
  const [first] = rows;
  if (first !== undefined) checkColumns(query, Object.keys(first));
  const labelled = rows.map((row) => ({ row, labels: labelsOf(query, row) }));
  const seen = new Set<string>();
  for (const { labels } of labelled) {
    const key = JSON.stringify(labels);
    if (seen.has(key))
      throw new QueryResultError(
        `two rows have the labels ${key}; a column of usage LABEL must tell them apart (current_database(), where they are of several databases)`,
      );
    seen.add(key);
  }
  return query.columns
    .filter((column) => column.kind !== 'label' && column.kind !== 'discard')
    .map((column) => ({
      name: column.metric,
      help: column.help,
      type: column.kind === 'counter' || column.kind === 'histogram' ? column.kind : 'gauge',
      series: labelled.flatMap(({ row, labels }) => seriesOf(column, row, labels)),
    }));
}

function checkColumns({ columns }: MetricQuery, given: readonly string[]): void {
  const known = new Set(columns.flatMap(columnNames));
  for (const { column } of columns) {
    if (!given.includes(column))
      throw new QueryResultError(`the query gives no column ${column}; it gives ${given.join(', ')}`);
  }
  for (const column of given) {
    if (!known.has(column))
      throw new QueryResultError(
        `the query gives a column ${column} that is not under metrics; usage: DISCARD leaves it out`,
      );
  }
}

function columnNames(column: Column): readonly string[] {
  const { column: name } = column;
  return column.kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function labelsOf({ columns }: MetricQuery, row: Row): Readonly<Record<string, string>> {
  return Object.fromEntries(
    columns.flatMap((column) =>
      column.kind === 'label' ? [[column.label, labelOf(row[column.column])]] : [],
    ),
  );
}

function seriesOf(column: Metric, row: Row, labels: Series['labels']): readonly Series[] {
  if (column.kind === 'histogram') return histogram(column.column, row, labels);
  const value = valueIn(column, row[column.column]);
  // Not known: a series that stood still would be believed.
  return value === null ? [] : [{ suffix: '', labels, value }];
}

function valueIn(column: Metric, value: unknown): number | null {
  switch (column.kind) {
    case 'duration':
      return durationOf(column.column, value);
    case 'mapped':
      return mappedOf(column.column, value, column.values);
    default:
      return numberOf(column.column, value);
  }
}

/** `column`: upper bounds; `_bucket`: how many were at most that, each; `_sum` and `_count`: of all. */
function histogram(column: string, row: Row, labels: Series['labels']): readonly Series[] {
  const bounds = numbersOf(column, row[column]);
  const counts = numbersOf(`${column}_bucket`, row[`${column}_bucket`]);
  const sum = numberOf(`${column}_sum`, row[`${column}_sum`]);
  const count = numberOf(`${column}_count`, row[`${column}_count`]);
  if (bounds.length !== counts.length || sum === null || count === null)
    throw new QueryResultError(
      `the columns ${column} and ${column}_bucket, _sum and _count make no histogram`,
    );
  const buckets = bounds.map((bound, index) => ({ le: String(bound), value: counts[index] ?? 0 }));
  const finite = buckets.filter(({ le }) => le !== 'Infinity');
  return [
    ...[...finite, { le: '+Inf', value: count }].map(({ le, value }) => ({
      suffix: '_bucket',
      labels: { ...labels, le },
      value,
    })),
    { suffix: '_sum', labels, value: sum },
    { suffix: '_count', labels, value: count },
  ];
}
