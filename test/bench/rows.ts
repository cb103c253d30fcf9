export type RowId = 'kill' | 'postmaster' | 'freeze' | 'network' | 'switchover';

/** One fault of the benchmark. */
export interface Row {
  readonly id: RowId;
  readonly title: string;
  /** The longest write gap that the project allows itself, as a median, in milliseconds. */
  readonly goal: number;
  /**
   * After so many milliseconds without an answer the client drops its connection, as `tcp_user_timeout` of the URL
   * makes libpq do where packets vanish (Node cannot set it). Null: the peer's host lives, and its kernel answers.
   */
  readonly deadAfterMillis: number | null;
}

export const ROWS: readonly Row[] = [
  { id: 'kill', title: 'everything of the primary killed', goal: 1_000, deadAfterMillis: null },
  { id: 'postmaster', title: 'postmaster killed', goal: 700, deadAfterMillis: null },
  { id: 'freeze', title: 'agent frozen (SIGSTOP)', goal: 4_000, deadAfterMillis: null },
  { id: 'network', title: 'network of the primary cut', goal: 3_000, deadAfterMillis: 2_000 },
  { id: 'switchover', title: 'switchover', goal: 500, deadAfterMillis: null },
];
