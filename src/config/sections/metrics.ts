import { duration, list, text } from '../leaves.ts';
import { absolutePath, metricPrefix } from '../patterns.ts';
import { section } from '../setting.ts';

const effect = 'at once';

export const metrics = section("Metrics that SQL queries define, beside the agent's own.", {
  queryFiles: list(absolutePath, {
    description:
      'Files (YAML) of queries whose rows become metrics, in the style of CloudNativePG and postgres_exporter: see monitoring.md. They are read again when they change. One that is wrong is told in the log and by `pgwarden_metric_file_loaded`, and what it said before goes on; Postgres is never kept down by it.',
    effect,
  }),
  queryPrefix: text('pgwarden_sql_', metricPrefix, {
    description:
      "What the names of these metrics begin with; the query's name and the column's follow. `cnpg_` keeps the names that CloudNativePG gave.",
    effect,
  }),
  queryInterval: duration(
    '30s',
    { least: '1s', most: '1d' },
    { description: 'How often a query is run that does not say `cache_seconds` itself.', effect },
  ),
  queryTimeout: duration(
    '5s',
    { least: '100ms', most: '5m' },
    { description: 'How long one query may run, for each database. It is cancelled then.', effect },
  ),
});
