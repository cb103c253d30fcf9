export type RowId = 'kill' | 'postmaster' | 'freeze' | 'network' | 'switchover';

/** One fault of the benchmark. */
export interface Row {
  readonly id: RowId;
  readonly title: string;
  /** The longest write gap that the project allows itself, as a median, in milliseconds. */
  readonly goal: number;
  /** Where packets vanish, `tcp_user_timeout` of the URL decides, which Node's `pg` cannot set. */
  readonly client: 'node' | 'libpq';
}

export const ROWS: readonly Row[] = [
  { id: 'kill', title: 'everything of the primary killed', goal: 1_000, client: 'node' },
  { id: 'postmaster', title: 'postmaster killed', goal: 700, client: 'node' },
  { id: 'freeze', title: 'agent frozen (SIGSTOP)', goal: 4_000, client: 'node' },
  { id: 'network', title: 'network of the primary cut', goal: 3_000, client: 'libpq' },
  { id: 'switchover', title: 'switchover', goal: 500, client: 'node' },
];
