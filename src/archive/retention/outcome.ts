/** What a run of retention removed. */
export interface RetentionOutcome {
  /** Ids, in the order in which they went. */
  readonly backups: readonly string[];
  /** Objects, sentinels included. */
  readonly backupObjects: number;
  readonly walObjects: number;
  readonly bytes: number;
}

export const NOTHING_REMOVED: RetentionOutcome = { backups: [], backupObjects: 0, walObjects: 0, bytes: 0 };
