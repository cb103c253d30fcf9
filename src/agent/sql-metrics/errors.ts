/** A query of the user's did not give what its file says. */
export class QueryResultError extends Error {
  readonly code = 'METRIC_QUERY_RESULT';
  readonly remedy =
    'Correct the query, or what its file says under metrics; docs/monitoring.md has the rules.';

  constructor(why: string) {
    super(why);
    this.name = 'QueryResultError';
  }
}
