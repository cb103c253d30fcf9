export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

export function closingLine(tally: Readonly<Tally>): string;
export function sum(tallies: readonly Readonly<Tally>[]): Tally;
