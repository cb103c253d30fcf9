import type { Decision } from '../../../src/ha/decision.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import type { Fault } from '../faults/fault.ts';

/** A fault is about for so long after its end, in milliseconds: what it leaves behind is dealt with then. */
const WAKE_MS = 500;

/** The name of what is counted where two faults are about at a time, whichever came first. */
export function pairOf(a: string, b: string): string {
  return a < b ? `${a} & ${b}` : `${b} & ${a}`;
}

/** How often what happened, and which decision was taken, and which fault came, while which fault was about. */
export class Coverage {
  readonly #scheduler: Scheduler;
  readonly #counts = new Map<string, number>();
  readonly #about: { readonly kind: string; readonly until: number }[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  fault(fault: Fault): void {
    this.count(`fault: ${fault.kind}`);
    for (const other of this.#about) {
      if (other.until >= this.#scheduler.now) this.count(pairOf(fault.kind, other.kind));
    }
    this.#about.push({ kind: fault.kind, until: this.#scheduler.now + fault.duration + WAKE_MS });
  }

  decision(kind: Decision['kind']): void {
    this.count(`decision: ${kind}`);
    for (const fault of this.#about) {
      if (fault.until >= this.#scheduler.now) this.count(`${kind} × ${fault.kind}`);
    }
  }

  entries(): readonly (readonly [string, number])[] {
    return [...this.#counts];
  }
}
