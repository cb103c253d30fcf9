import type { Mutant } from './mutant.ts';
import { OF_COHORTS } from './of-cohorts.ts';
import { OF_FINDINGS } from './of-findings.ts';
import { OF_HISTORIES } from './of-histories.ts';
import { OF_LEASES } from './of-leases.ts';
import { OF_PROMISES } from './of-promises.ts';

/** Planted mistakes, each a change of one rule. The simulator finds every one. */
export const MUTANTS: readonly Mutant[] = [
  ...OF_PROMISES,
  ...OF_COHORTS,
  ...OF_LEASES,
  ...OF_HISTORIES,
  ...OF_FINDINGS,
];
