import type { Mutation } from '../hooks.ts';

/** A planted mistake: the change of one rule, in as many places as guard it. */
export interface Mutant {
  readonly name: string;
  readonly changes: readonly Mutation[];
}

export function mutant(name: string, file: string, from: string, to: string): Mutant {
  return { name, changes: [{ file, from, to }] };
}

/** A script (`scripts/`) that leads to where a mistake shows, by a part of its name, and how many members it takes. */
export interface Way {
  readonly script: string;
  readonly members: number;
}
