/**
 * How an operation ended as its client saw it. `refused`: the server said that it did not happen (a SQL ERROR aborts
 * the transaction). `unknown`: no answer, or one that promises nothing (a cancelled wait): it may have happened, or
 * may yet happen.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** Instants are of one monotonic clock, in milliseconds: `performance.now()` of the process that runs the clients. */
export interface Interval {
  /** Before anything was sent. */
  readonly invoked: number;
  /** After the answer was read; where there was none, when the client gave up. */
  readonly returned: number;
}

/** The insertion of one unique row. */
export interface RowAttempt extends Interval {
  readonly id: number;
  readonly outcome: Outcome;
  /** Who acknowledged, and on which timeline it wrote then; null unless acknowledged. */
  readonly by: { readonly member: string; readonly timeline: number } | null;
}

/** A write of a unique value, or a read inside a transaction that committed a write, of one register. */
export interface RegisterOperation extends Interval {
  readonly key: number;
  readonly kind: 'write' | 'read';
  /** Written, or read; of a read that was not acknowledged it says nothing. */
  readonly value: number;
  readonly outcome: Outcome;
}

/** One step of a counter that only grows; each source has its own, and makes one step after the other. */
export interface Beat extends Interval {
  readonly source: string;
  readonly count: number;
  readonly outcome: Outcome;
}

/** A plain read of all counters at a member that took itself for the primary. */
export interface PlainRead extends Interval {
  readonly member: string;
  /** By source. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Something that must not be. `kind` is stable. */
export interface Violation {
  readonly kind:
    | 'row-lost'
    | 'row-twice'
    | 'row-refused-but-there'
    | 'row-never-sent'
    | 'not-linearizable'
    | 'undecided'
    | 'two-acknowledged'
    | 'stale-read'
    | 'archive-changed'
    | 'archive-forked'
    | 'not-recovered'
    | 'expectation';
  readonly message: string;
}
