import type { Decision } from '../../../src/ha/decision.ts';
import type { Random } from '../engine/random.ts';
import type { FaultKind } from '../faults/acts.ts';
import type { Fault } from '../faults/fault.ts';
import type { Setup } from '../schedule.ts';

/**
 * A sequence that chance alone would hardly bring about, with chance left in its times: one schedule in four follows one,
 * and `--script` asks for one by name.
 */
export interface Script {
  readonly name: string;
  /** No schedule follows it by chance: the code is known to fail some of them. */
  readonly isAskedFor?: true;
  /** So many members, at least. */
  readonly least: number;
  /** What it needs the settings to be. */
  readonly setup?: Partial<Setup>;
  /** From empty volumes. */
  readonly isCold?: boolean;
  /** When the faults cease, in milliseconds after the beginning; 2400 to 4200 where it does not say. */
  readonly length?: number;
  readonly write: (random: Random, begin: number, members: number) => readonly Fault[];
}

/** Who a fault is about, beside the ordinals: see `Fault`. */
export const PRIMARY = -1;
export const DECIDER = -2;

export function fault(
  kind: FaultKind,
  member: number,
  at: number,
  duration: number,
  random: Random,
  special: Partial<Pick<Fault, 'other' | 'amount'>> = {},
): Fault {
  return {
    at: Math.round(at),
    kind,
    member,
    other: 0,
    duration: Math.round(duration),
    amount: random.next(),
    ...special,
  };
}

/** With the first such decision after the fault's `at`, and `delay` milliseconds after that. */
export function after(decision: Decision['kind'], delay: number, what: Fault): Fault {
  return { ...what, on: { decision, delay: Math.round(delay) } };
}

/** The same for every ordinal. */
export function everybody(members: number, write: (ordinal: number) => Fault): readonly Fault[] {
  return Array.from({ length: members }, (_, ordinal) => write(ordinal));
}
