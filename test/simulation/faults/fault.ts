import type { Decision } from '../../../src/ha/decision.ts';
import type { FaultKind } from './acts.ts';

/** One fault: plain data, so that a schedule can be shown, cut down and run again. */
export interface Fault {
  /** Milliseconds after the beginning; where it waits for a decision: not before, and so much after the decision. */
  readonly at: number;
  readonly kind: FaultKind;
  /** An ordinal; -1: the primary; -2: the member that decided (for one that waits for a decision). */
  readonly member: number;
  readonly other: number;
  readonly duration: number;
  /** In [0, 1): how bad. */
  readonly amount: number;
  /** Comes with the first such decision of anybody after `at`. */
  readonly on?: { readonly decision: Decision['kind']; readonly delay: number };
}
