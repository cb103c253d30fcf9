import type { Decision } from '../../../src/ha/decision.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import type { Fault } from '../faults/fault.ts';

/** A fault is about for so long after its end, in milliseconds: what it leaves behind is dealt with then. */
const WAKE_MS = 500;

/** The name of what is counted where two faults are about at a time, whichever came first. */
export function pairOf(a: string, b: string): string {
  return a < b ? `${a} & ${b}` : `${b} & ${a}`;
}

interface About {
  readonly kind: string;
  readonly until: number;
  /** How often each decision was taken meanwhile. */
  readonly decisions: Map<Decision['kind'], number>;
}

/** How often what happened, and which decision was taken, and which fault came, while which fault was about. */
export class Coverage {
  readonly #scheduler: Scheduler;
  readonly #counts = new Map<string, number>();
  readonly #decisions = new Map<Decision['kind'], number>();
  readonly #about: About[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  count(what: string): void {
    add(this.#counts, what, 1);
  }

  fault(fault: Fault): void {
    this.count(`fault: ${fault.kind}`);
    const { now } = this.#scheduler;
    for (const other of this.#about) if (other.until >= now) this.count(pairOf(fault.kind, other.kind));
    this.#about.push({ kind: fault.kind, until: now + fault.duration + WAKE_MS, decisions: new Map() });
  }

  decision(kind: Decision['kind']): void {
    add(this.#decisions, kind, 1);
    for (const { until, decisions } of this.#about) {
      if (until >= this.#scheduler.now) add(decisions, kind, 1);
    }
  }

  /** Names are put together once a schedule, not once a decision. */
  entries(): readonly (readonly [string, number])[] {
    const counts = new Map(this.#counts);
    for (const [kind, times] of this.#decisions) add(counts, `decision: ${kind}`, times);
    for (const { kind: fault, decisions } of this.#about)
      for (const [kind, times] of decisions) add(counts, `${kind} × ${fault}`, times);
    return [...counts];
  }
}

function add<K>(counts: Map<K, number>, what: K, times: number): void {
  counts.set(what, (counts.get(what) ?? 0) + times);
}
