import type { RowId } from './rows.ts';

/** Undoes a fault; the cluster then comes back by itself. */
export type Undo = () => Promise<void>;

/** A cluster that is measured. */
export interface Subject extends AsyncDisposable {
  /** What is told of it: program and versions. */
  readonly description: string;
  /** libpq URL with all members, `target_session_attrs=read-write`. */
  readonly url: string;
  /** The name of the member that takes writes now; null: none, or several say so. */
  primary(): Promise<string | null>;
  /** Brings the fault about; returns once it has happened. Rejects where this cluster has no such fault. */
  fault(row: RowId, primary: string): Promise<Undo>;
  /** One primary, everyone else streaming, commits protected: from here any member may be lost. */
  waitUntilComplete(): Promise<void>;
  /** Whether the members' roles have to change for the fault to be over. */
  changesPrimary(row: RowId): boolean;
  /** The last words of every log, for an error message. */
  logs(): Promise<string>;
}
