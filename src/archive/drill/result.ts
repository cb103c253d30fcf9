/** A check that a person gave, and what came of it. */
export interface CheckOutcome {
  readonly name: string;
  readonly ok: boolean;
  /** The first value of the first row; or why it failed. */
  readonly said: string;
  readonly milliseconds: number;
}

/** What a database of the restored cluster held. */
export interface CountedDatabase {
  readonly database: string;
  readonly tables: number;
  readonly rows: number;
}

/** How long each part took, in milliseconds; null: it did not come to that. */
export interface DrillTimes {
  readonly unpack: number | null;
  readonly recover: number | null;
  readonly check: number | null;
}

/** The outcome of a drill: plain JSON, kept in the archive. */
export interface DrillResult {
  readonly format: 1;
  /** Everything was restored, and every check passed. */
  readonly ok: boolean;
  readonly member: string | null;
  readonly archive: string;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Null: it ended before one was chosen. */
  readonly backup: string | null;
  readonly backupFinishedAt: string | null;
  readonly recoveredTo: string | null;
  readonly timeline: number | null;
  /** When the last transaction that came back was committed. */
  readonly lastCommitAt: string | null;
  /** Bytes of the restored cluster on disk. */
  readonly restoredBytes: number | null;
  readonly times: DrillTimes;
  readonly manifest: 'checked' | 'none' | 'no-program' | null;
  /** pg_amcheck: `absent`: it is not installed here. */
  readonly amcheck: 'passed' | 'failed' | 'absent' | 'off' | null;
  /** The beginning of what pg_amcheck found. */
  readonly amcheckSaid: string | null;
  readonly databases: readonly CountedDatabase[];
  readonly rows: number | null;
  readonly checks: readonly CheckOutcome[];
  /** What ended it before its end. */
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string } | null;
}

/** Where the results of drills are kept, so that whichever member leads knows them. */
export interface DrillRecord {
  readonly last: DrillResult | null;
  readonly lastGood: DrillResult | null;
}
