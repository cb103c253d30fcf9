import { Counter, type Registry } from 'prom-client';
import { bit, instruments } from './metrics-gauge.ts';

/** How one query of the user's went. */
export interface QueryOutcome {
  readonly query: string;
  /** Of its last run, in every database; null: it has not run, or must not here. */
  readonly succeeded: boolean | null;
  /** Seconds; of its last run. */
  readonly duration: number | null;
  readonly failures: number;
}

/** The user's queries and their files, as they are now. */
export interface QueriesReport {
  readonly files: readonly { readonly file: string; readonly isLoaded: boolean }[];
  readonly queries: readonly QueryOutcome[];
}

export interface QueriesMetrics {
  update(report: QueriesReport): void;
}

/** Tells how metrics by SQL queries fare; what the queries themselves tell is rendered by `exposition`. */
export function queriesMetrics(registry: Registry): QueriesMetrics {
  const make = instruments(registry);
  const loaded = make.labelled(
    'pgwarden_metric_file_loaded',
    'Whether what the file of queries says now is in use (1), or what it said before (0).',
    ['file'],
  );
  const success = make.labelled(
    'pgwarden_metric_query_success',
    'Whether the last run of the query succeeded in every database.',
    ['query'],
  );
  const duration = make.labelled(
    'pgwarden_metric_query_duration_seconds',
    'How long the last run of the query took, over all databases.',
    ['query'],
  );
  const failures = new Counter({
    name: 'pgwarden_metric_query_failures_total',
    help: 'Runs of the query that failed, since the agent has it.',
    labelNames: ['query'],
    registers: [registry],
  });
  return {
    update({ files, queries }) {
      loaded.replace(files.map(({ file, isLoaded }) => ({ labels: { file }, value: bit(isLoaded) })));
      const each = <T>(value: (outcome: QueryOutcome) => T) =>
        queries.map((outcome) => ({ labels: { query: outcome.query }, value: value(outcome) }));
      success.replace(each(({ succeeded }) => (succeeded === null ? null : bit(succeeded))));
      duration.replace(each((outcome) => outcome.duration));
      failures.reset();
      for (const { query, failures: count } of queries) failures.inc({ query }, count);
    },
  };
}
