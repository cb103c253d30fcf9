import type { VariantResult } from './run-variant.ts';
import { isRight, type Variant } from './variants.ts';

/** The line above all others. */
export function heading(): string {
  return 'variant                  must   property  came out      states   depth     MB   seconds';
}

/** One search: what must come of it, what did, and what it took. */
export function line(variant: Variant, result: VariantResult): string {
  const outcome = result.violated === null ? 'complete' : 'violated';
  const { name, expect, property } = variant;
  return [
    name.padEnd(24),
    expect.padEnd(6),
    property.padEnd(9),
    outcome.padEnd(9),
    String(result.states).padStart(10),
    String(result.depth).padStart(7),
    String(Math.round(result.megabytes)).padStart(6),
    `${result.seconds.toFixed(1).padStart(9)}${isRight(variant, result) ? '' : '  WRONG'}`,
  ].join(' ');
}
