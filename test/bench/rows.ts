export type RowId = 'kill' | 'postmaster' | 'freeze' | 'network' | 'switchover';

/** One fault of the benchmark. */
export interface Row {
  readonly id: RowId;
  readonly title: string;
  /** The longest write gap that the project allows itself, as a median and at worst, in milliseconds. */
  readonly goal: { readonly median: number; readonly worst: number };
  /** Where packets vanish, `tcp_user_timeout` of the URL decides, which Node's `pg` cannot set. */
  readonly client: 'node' | 'libpq';
}

export const ROWS: readonly Row[] = [
  {
    id: 'kill',
    title: 'everything of the primary killed',
    goal: { median: 800, worst: 1_500 },
    client: 'node',
  },
  { id: 'postmaster', title: 'postmaster killed', goal: { median: 500, worst: 1_000 }, client: 'node' },
  { id: 'freeze', title: 'agent frozen (SIGSTOP)', goal: { median: 4_000, worst: 5_000 }, client: 'node' },
  {
    id: 'network',
    title: 'network of the primary cut',
    goal: { median: 2_500, worst: 4_000 },
    client: 'libpq',
  },
  { id: 'switchover', title: 'switchover', goal: { median: 300, worst: 600 }, client: 'node' },
];
