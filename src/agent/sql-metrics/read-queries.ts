import type * as z from 'zod';
import type { Problem } from '../../config/errors.ts';
import { fileLayer } from '../../config/file.ts';
import { nearest } from '../../config/nearest.ts';
import { sourceOf } from '../../config/problems.ts';
import { millis } from '../../ha/units.ts';
import type { Column, MetricQuery } from './definition.ts';
import { COLUMN_KEYS, fileSchema, QUERY_KEYS, type QueryEntry } from './file-schema.ts';
import { versionRange } from './version-range.ts';

/** Names that the agent's own metrics and Prometheus itself have. */
const TAKEN = /^(?:pgwarden_(?!sql_)|process_|nodejs_|scrape_|up$|ALERTS)/;

export interface QueryText {
  readonly file: string;
  readonly text: string;
}

/** What the files say together; where there is a problem, the queries of that file are not among them. */
export interface ReadQueries {
  readonly queries: readonly MetricQuery[];
  readonly problems: readonly (Problem & { readonly file: string })[];
}

/** Reads files of queries, and checks them by themselves and against each other. */
export function readQueries(texts: readonly QueryText[], prefix: string): ReadQueries {
  const queries: MetricQuery[] = [];
  const problems: (Problem & { readonly file: string })[] = [];
  const taken = new Map<string, string>();
  for (const { file, text } of texts) {
    const read = readFile(file, text, prefix, taken);
    problems.push(...read.problems.map((problem) => ({ ...problem, file })));
    if (read.problems.length === 0) queries.push(...read.queries);
  }
  return { queries, problems };
}

/** `taken`: every metric's and query's name so far, and where it is from. */
function readFile(
  file: string,
  text: string,
  prefix: string,
  taken: Map<string, string>,
): { readonly queries: readonly MetricQuery[]; readonly problems: readonly Problem[] } {
  const layer = fileLayer(file, text);
  if (layer.problems.length > 0) return { queries: [], problems: layer.problems };
  const source = (path: readonly string[]): string | null => sourceOf(path, layer.sources) ?? file;
  const parsed = fileSchema.safeParse(layer.tree);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap(issueTexts);
    return {
      queries: [],
      problems: problems.map(({ path, message }) => ({
        path: path.join('.'),
        message,
        source: source(path),
      })),
    };
  }
  const problems: Problem[] = [];
  const queries = Object.entries(parsed.data).map(([name, entry]) => metricQuery(name, entry, prefix));
  for (const query of queries) {
    const complain = (message: string): void => {
      problems.push({ path: query.name, message, source: source([query.name]) });
    };
    for (const message of inQuery(query)) complain(message);
    const names = [`query ${query.name}`, ...metricNames(query).map((metric) => `metric ${metric}`)];
    for (const each of names) {
      const other = taken.get(each);
      if (other !== undefined) complain(`the ${each} is in ${other} already; allowed: another name`);
      taken.set(each, file);
    }
    for (const metric of metricNames(query).filter((each) => TAKEN.test(each)))
      complain(`the metric ${metric} would be taken for one of the agent's own; allowed: another name`);
  }
  return { queries, problems };
}

function issueTexts(issue: z.core.$ZodIssue): { path: readonly string[]; message: string }[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const keys = path.length === 1 ? QUERY_KEYS : COLUMN_KEYS;
    return issue.keys.map((key) => {
      const near = nearest(key, keys);
      const hint = near === null ? `allowed here: ${keys.join(', ')}` : `did you mean ${near}?`;
      return { path: [...path, key], message: `there is no such key; ${hint}` };
    });
  }
  if (issue.code === 'invalid_key')
    return issue.issues.map(({ message }) => ({ path, message: `the name is not allowed; ${message}` }));
  return [{ path, message: issue.message }];
}

function metricQuery(name: string, entry: QueryEntry, prefix: string): MetricQuery {
  const seconds = entry.cache_seconds ?? 0;
  return {
    name,
    text: entry.query,
    predicate: entry.predicate_query ?? null,
    onPrimary: entry.primary ?? entry.master ?? false,
    every: seconds === 0 ? null : millis(seconds * 1000),
    versions: entry.runonserver === undefined ? null : versionRange(entry.runonserver),
    databases: entry.target_databases ?? [],
    columns: entry.metrics.flatMap((item) =>
      Object.entries(item).map(([column, about]) => columnOf(column, about, `${prefix}${name}_`)),
    ),
  };
}

function columnOf(column: string, about: QueryEntry['metrics'][number][string], prefix: string): Column {
  const metric = prefix + (about.name ?? column);
  const help = about.description ?? '';
  switch (about.usage) {
    case 'DISCARD':
      return { kind: 'discard', column };
    case 'LABEL':
      return { kind: 'label', column, label: about.name ?? column };
    case 'COUNTER':
      return { kind: 'counter', column, metric, help };
    case 'GAUGE':
      return { kind: 'gauge', column, metric, help };
    case 'HISTOGRAM':
      return { kind: 'histogram', column, metric, help };
    case 'DURATION':
      return { kind: 'duration', column, metric: `${metric}_milliseconds`, help };
    case 'MAPPEDMETRIC':
      return { kind: 'mapped', column, metric, help, values: about.metric_mapping ?? {} };
  }
}

/** What is wrong between the columns of one query. */
function inQuery({ columns }: MetricQuery): readonly string[] {
  const found: string[] = [];
  const hasHistogram = columns.some(({ kind }) => kind === 'histogram');
  const names = columns.map(({ column }) => column);
  for (const column of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    found.push(`the column ${column} is described twice`);
  const labels = columns.flatMap((column) => (column.kind === 'label' ? [column.label] : []));
  for (const label of labels) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(label) || label.startsWith('__') || (hasHistogram && label === 'le'))
      found.push(`${label} can be no label; allowed: letters, digits and "_" (give it another by name)`);
    if (labels.filter((each) => each === label).length > 1) found.push(`the label ${label} is there twice`);
  }
  for (const metric of columns.flatMap((column) => ('metric' in column ? [column.metric] : []))) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(metric))
      found.push(`${metric} can be no metric; allowed: letters, digits and "_" (give it another by name)`);
  }
  if (!columns.some((column) => 'metric' in column)) found.push('has no metric: labels alone show nothing');
  return found;
}

/** Every name that the query's series may have. */
function metricNames({ columns }: MetricQuery): readonly string[] {
  return columns.flatMap((column) => {
    if (!('metric' in column)) return [];
    const suffixes = column.kind === 'histogram' ? ['', '_bucket', '_sum', '_count'] : [''];
    return suffixes.map((suffix) => column.metric + suffix);
  });
}
