import { elapsed, type Instant, instant, type Millis, millis } from '../../ha/units.ts';
import type { MetricFamily } from '../../http/exposition.ts';
import type { QueryOutcome } from '../../http/metrics-queries.ts';
import type { Log } from '../log.ts';
import type { MetricQuery } from './definition.ts';

interface Outcome {
  dueAt: Instant;
  families: readonly MetricFamily[];
  succeeded: boolean | null;
  duration: Millis | null;
  failures: number;
  /** What was logged last; null: nothing is wrong. */
  complaint: string | null;
}

/** When each query is due, and what came of its last run. */
export class Outcomes {
  readonly #log: Log;
  #byName = new Map<string, Outcome>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Other queries: all are due, what they gave before is forgotten, failures are counted on. */
  reset(queries: readonly MetricQuery[], now: Instant): void {
    const before = this.#byName;
    this.#byName = new Map(
      queries.map(({ name }) => [
        name,
        {
          dueAt: now,
          families: [],
          succeeded: null,
          duration: null,
          failures: before.get(name)?.failures ?? 0,
          complaint: before.get(name)?.complaint ?? null,
        },
      ]),
    );
  }

  due(queries: readonly MetricQuery[], now: Instant): readonly MetricQuery[] {
    return queries.filter(({ name }) => (this.#byName.get(name)?.dueAt ?? 0) <= now);
  }

  /** Time until the next one is due. */
  next(now: Instant): Millis {
    const times = [...this.#byName.values()].map(({ dueAt }) => dueAt - now);
    return millis(Math.max(0, Math.min(...times)));
  }

  /** What is known of this one holds no longer: it does not run here now. It is looked at again in `every`. */
  rest({ name }: MetricQuery, every: Millis, now: Instant): void {
    const outcome = this.#byName.get(name);
    if (outcome === undefined) return;
    Object.assign(outcome, { dueAt: instant(now + every), families: [], succeeded: null, duration: null });
  }

  /** Nothing can be asked now. All are due as soon as that changes. */
  restAll(now: Instant): void {
    for (const outcome of this.#byName.values())
      Object.assign(outcome, { dueAt: now, families: [], succeeded: null, duration: null });
  }

  /** A run ended, in so many words each for what failed of it. It is due again `every` after its start. */
  ran(
    { name }: MetricQuery,
    run: {
      readonly families: readonly MetricFamily[];
      readonly errors: readonly string[];
      readonly duration: Millis;
    },
    timing: { readonly startedAt: Instant; readonly every: Millis; readonly now: Instant },
  ): void {
    const outcome = this.#byName.get(name);
    if (outcome === undefined) return;
    const { families, errors, duration } = run;
    const complaint = errors.length === 0 ? null : errors.join('; ');
    if (complaint !== null && complaint !== outcome.complaint)
      this.#log.warn(
        { event: 'metrics.query.failed', query: name },
        `The metrics of ${name} are missing: ${complaint}`,
      );
    if (complaint === null && outcome.complaint !== null)
      this.#log.info({ event: 'metrics.query.recovered', query: name }, `The metrics of ${name} are back`);
    const late = elapsed(timing.startedAt, timing.now) > timing.every;
    Object.assign(outcome, {
      dueAt: instant((late ? timing.now : timing.startedAt) + timing.every),
      families,
      succeeded: complaint === null,
      duration,
      failures: outcome.failures + (complaint === null ? 0 : 1),
      complaint,
    });
  }

  families(): readonly MetricFamily[] {
    return [...this.#byName.values()].flatMap(({ families }) => families);
  }

  report(): readonly QueryOutcome[] {
    return [...this.#byName].map(([query, { succeeded, duration, failures }]) => ({
      query,
      succeeded,
      duration: duration === null ? null : duration / 1000,
      failures,
    }));
  }
}
