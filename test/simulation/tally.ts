import type { Outcome } from './run-schedule.ts';

/** What many schedules came to: plain data. */
export interface Tally {
  readonly schedules: number;
  /** Of the protocol, and of the engine. */
  readonly events: number;
  readonly steps: number;
  readonly rounds: number;
  readonly acknowledged: number;
  /** The longest that a cluster took to be whole again after its last fault, in virtual milliseconds. */
  readonly slowest: number;
  /** CPU time of the processes, all of their threads (the compiler and the collector of V8 too) together. */
  readonly coreSeconds: number;
  readonly violations: readonly string[];
  readonly coverage: Readonly<Record<string, number>>;
}

export const NOTHING: Tally = {
  schedules: 0,
  events: 0,
  steps: 0,
  rounds: 0,
  acknowledged: 0,
  slowest: 0,
  coreSeconds: 0,
  violations: [],
  coverage: {},
};

export function tallyOf(outcome: Outcome): Tally {
  return {
    schedules: 1,
    events: outcome.events,
    steps: outcome.steps,
    rounds: outcome.rounds,
    acknowledged: outcome.acknowledged,
    slowest: outcome.recovered,
    coreSeconds: 0,
    violations: [],
    coverage: Object.fromEntries(outcome.coverage),
  };
}

export function together(a: Tally, b: Tally): Tally {
  const coverage = { ...a.coverage };
  for (const [what, times] of Object.entries(b.coverage)) coverage[what] = (coverage[what] ?? 0) + times;
  return {
    schedules: a.schedules + b.schedules,
    events: a.events + b.events,
    steps: a.steps + b.steps,
    rounds: a.rounds + b.rounds,
    acknowledged: a.acknowledged + b.acknowledged,
    slowest: Math.max(a.slowest, b.slowest),
    coreSeconds: a.coreSeconds + b.coreSeconds,
    violations: [...a.violations, ...b.violations],
    coverage,
  };
}
