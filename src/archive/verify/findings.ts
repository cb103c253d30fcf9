/** What is wrong, for programs; never renamed. */
export type FindingCode =
  | 'BACKUP_INCREMENT_ORPHANED'
  | 'BACKUP_LEFTOVER'
  | 'BACKUP_OF_ANOTHER_CLUSTER'
  | 'BACKUP_UNREADABLE'
  | 'BACKUP_WAL_MISSING'
  | 'HISTORY_DAMAGED'
  | 'HISTORY_MISSING'
  | 'MANIFEST_DAMAGED'
  | 'MANIFEST_MISMATCH'
  | 'NO_BACKUP'
  | 'PART_DAMAGED'
  | 'PART_MISSING'
  | 'PART_UNKNOWN'
  | 'WAL_DAMAGED'
  | 'WAL_HOLE'
  | 'WAL_UNKNOWN';

/** Something that a person should look at. An error costs a restore; a warning costs none by itself. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: FindingCode;
  /** The backup, object or segment. */
  readonly subject: string;
  /** A sentence without its subject. */
  readonly message: string;
}

export function error(code: FindingCode, subject: string, message: string): Finding {
  return { severity: 'error', code, subject, message };
}

export function warning(code: FindingCode, subject: string, message: string): Finding {
  return { severity: 'warning', code, subject, message };
}
