import { FAULT_KINDS } from './faults/faults.ts';
import type { Outcome, Schedule } from './run-schedule.ts';
import { Coverage } from './world/coverage.ts';

export interface PlainTally {
  readonly schedules: number;
  readonly events: number;
  readonly rounds: number;
  readonly acknowledged: number;
  readonly slowest: number;
  readonly seconds: number;
  readonly violations: readonly string[];
  readonly coverage: readonly (readonly [string, number])[];
  readonly pairs: readonly string[];
}

/** What many schedules came to. */
export class Tally {
  readonly violations: string[] = [];
  readonly #coverage = new Coverage();
  readonly #pairs = new Set<string>();
  readonly #begun = performance.now();
  #schedules = 0;
  #events = 0;
  #rounds = 0;
  #acknowledged = 0;
  #slowest = 0;

  add(schedule: Schedule, outcome: Outcome): void {
    this.#schedules += 1;
    this.#events += outcome.steps;
    this.#rounds += outcome.rounds;
    this.#acknowledged += outcome.acknowledged;
    this.#slowest = Math.max(this.#slowest, outcome.recovered);
    this.#coverage.add(outcome.coverage);
    const kinds = [...new Set(schedule.faults.map((fault) => fault.kind))].sort();
    for (const [index, one] of kinds.entries()) {
      for (const other of kinds.slice(index + 1)) this.#pairs.add(`${one} + ${other}`);
    }
  }

  merge(other: PlainTally): void {
    this.violations.push(...other.violations);
    this.#schedules += other.schedules;
    this.#events += other.events;
    this.#rounds += other.rounds;
    this.#acknowledged += other.acknowledged;
    this.#slowest = Math.max(this.#slowest, other.slowest);
    this.#coverage.add(other.coverage);
    for (const pair of other.pairs) this.#pairs.add(pair);
  }

  plain(): PlainTally {
    return {
      schedules: this.#schedules,
      events: this.#events,
      rounds: this.#rounds,
      acknowledged: this.#acknowledged,
      slowest: this.#slowest,
      seconds: (performance.now() - this.#begun) / 1_000,
      violations: this.violations,
      coverage: [...this.#coverage.counts],
      pairs: [...this.#pairs],
    };
  }

  progress(): string {
    const { schedules, seconds, violations } = this.plain();
    return `${schedules} schedules, ${(schedules / seconds).toFixed(0)}/s, ${violations.length} violations`;
  }

  report(): string {
    const { schedules, events, rounds, acknowledged, slowest } = this.plain();
    const possible = (FAULT_KINDS.length * (FAULT_KINDS.length - 1)) / 2;
    const counts = [...this.#coverage.counts].sort(([a], [b]) => (a < b ? -1 : 1));
    return [
      ...counts.map(([what, count]) => `${String(count).padStart(10)}  ${what}`),
      `${this.#pairs.size} of ${possible} pairs of faults, ${acknowledged} commits acknowledged by a quorum`,
      `${(events / schedules).toFixed(0)} events and ${(rounds / schedules).toFixed(0)} rounds a schedule, slowest recovery ${Math.round(slowest)} ms`,
      `${this.progress()}`,
      '',
    ].join('\n');
  }
}
