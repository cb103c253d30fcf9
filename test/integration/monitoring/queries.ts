export interface Use {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Labels that Prometheus or the scrape configuration adds to each series. */
export const TARGET_LABELS: readonly string[] = ['namespace', 'pod', 'pg_cluster', 'job', 'instance'];

const METRIC = /\b(?:pgwarden|process|nodejs|up)[a-z0-9_]*\b/g;
const GROUPING = /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g;

/**
 * The metrics of a query in PromQL, each with every label that it is selected or grouped by. A grouping is taken to
 * belong to every metric of the query. Metrics of other programs are not seen: `otherNames` finds these.
 */
export function usesOf(query: string): readonly Use[] {
  const grouped = [...query.matchAll(GROUPING)].flatMap(([, names = '']) => labelNames(names));
  const bare = query.replaceAll(GROUPING, ' ');
  return [...bare.matchAll(METRIC)]
    .filter(({ 0: name, index }) => name === 'up' || (name.includes('_') && !isInside(bare, index)))
    .map(({ 0: metric, index }) => {
      const selector = /^\{([^}]*)\}/.exec(bare.slice(index + metric.length))?.[1] ?? '';
      const selected = [...selector.matchAll(/([a-z_]+)\s*(?:=~|!=|!~|=)/g)].map(([, name = '']) => name);
      return { metric, labels: [...new Set([...selected, ...grouped])] };
    });
}

/** Words of a query that are neither a metric of an agent, nor of PromQL: misspelt ones. */
export function otherNames(query: string): readonly string[] {
  const bare = query
    .replaceAll(GROUPING, ' ')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ')
    .replaceAll(/\b[0-9][0-9a-z.]*\b/gi, ' ');
  return [...bare.matchAll(/[a-z_$]+[a-z0-9_]*/gi)].map(([name]) => name).filter((name) => !KNOWN.test(name));
}

const KNOWN =
  /^(?:pgwarden_[a-z_]+|process_[a-z_]+|up|sum|min|max|count|rate|increase|changes|deriv|time|and|or|unless|bool|min_over_time|predict_linear|histogram_quantile|label_values)$/;

function labelNames(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Whether the position is within the braces of a selector. */
function isInside(query: string, index: number): boolean {
  return query.lastIndexOf('{', index) > query.lastIndexOf('}', index);
}

/** What a scrape has: every metric that is declared, and the labels that its series show. */
export function readScrapes(texts: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const labelsOf = (name: string): Set<string> => {
    const known = found.get(name) ?? new Set();
    found.set(name, known);
    return known;
  };
  for (const line of texts.join('\n').split('\n')) {
    const declared = /^# TYPE (\S+) (\S+)/.exec(line);
    if (declared !== null) {
      const [, name = '', type] = declared;
      const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      for (const suffix of suffixes) labelsOf(name + suffix);
      continue;
    }
    const series = /^([a-z0-9_]+)(?:\{(.*)\})? /.exec(line);
    if (series === null) continue;
    const labels = labelsOf(series[1] ?? '');
    for (const [, name = ''] of (series[2] ?? '').matchAll(/([a-z_]+)="/g)) labels.add(name);
  }
  return found;
}
