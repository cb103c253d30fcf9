export type RowId = 'kill' | 'postmaster' | 'freeze' | 'network' | 'switchover';

/** One fault of the benchmark. */
export interface Row {
  readonly id: RowId;
  readonly title: string;
  /** The longest write gap that the project allows itself, as a median and at worst, in milliseconds. */
  readonly goal: { readonly median: number; readonly worst: number };
}

export const ROWS: readonly Row[] = [
  { id: 'kill', title: 'everything of the primary killed', goal: { median: 800, worst: 1_500 } },
  { id: 'postmaster', title: 'postmaster killed', goal: { median: 500, worst: 1_000 } },
  { id: 'freeze', title: 'agent frozen (SIGSTOP)', goal: { median: 4_000, worst: 5_000 } },
  { id: 'network', title: 'network of the primary cut', goal: { median: 2_500, worst: 4_000 } },
  { id: 'switchover', title: 'switchover', goal: { median: 300, worst: 600 } },
];
