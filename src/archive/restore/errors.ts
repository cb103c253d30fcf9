/** What went wrong in a restore, for programs; never renamed. */
export type RestoreErrorCode =
  | 'RESTORE_BACKUP_UNKNOWN'
  | 'RESTORE_BACKUP_UNREADABLE'
  | 'RESTORE_BINARIES'
  | 'RESTORE_DAMAGED'
  | 'RESTORE_DIRECTORY'
  | 'RESTORE_NO_BACKUP'
  | 'RESTORE_RECOVERY'
  | 'RESTORE_SOURCE'
  | 'RESTORE_TABLESPACE'
  | 'RESTORE_TARGET_NOT_REACHED'
  | 'RESTORE_TARGET_OUT_OF_REACH'
  | 'RESTORE_TIMELINE';

/** Every failure of a restore that is not the store's: a stable `code`, the cause, and what a person can do. */
export class RestoreError extends Error {
  readonly code: RestoreErrorCode;
  readonly remedy: string;

  constructor(code: RestoreErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** What is at the URL is no archive that can be restored from. */
export class NoSourceError extends RestoreError {
  constructor(store: string, why: string) {
    super(
      'RESTORE_SOURCE',
      `${store} holds no archive to restore from: ${why}`,
      'Give the prefix that has wal_005/ and basebackups_005/ (pgwarden, WAL-G), or the server of a barman-cloud bucket (base/ and wals/).',
    );
  }
}

/** The archive has no backup that could be restored, or none of that name. */
export class NoBackupError extends RestoreError {
  constructor(
    code: 'RESTORE_NO_BACKUP' | 'RESTORE_BACKUP_UNKNOWN',
    message: string,
    known: readonly string[],
  ) {
    super(
      code,
      message,
      known.length === 0
        ? 'Take a backup first: WAL alone restores nothing.'
        : `The backups are ${known.slice(-10).join(', ')}${known.length > 10 ? ' and older ones' : ''}.`,
    );
  }
}

/** The backup's files say that it cannot be restored by this program, or not at all. */
export class UnreadableBackupError extends RestoreError {
  constructor(backup: string, why: string, remedy: string, cause?: unknown) {
    super('RESTORE_BACKUP_UNREADABLE', `backup ${backup} cannot be restored: ${why}`, remedy, cause);
  }
}

/** The archive cannot bring a cluster to the target. Nothing was written. */
export class OutOfReachError extends RestoreError {
  constructor(target: string, why: string, range: string) {
    super(
      'RESTORE_TARGET_OUT_OF_REACH',
      `${target} cannot be reached: ${why}`,
      `What can be reached: ${range}.`,
    );
  }
}

/** There is no such timeline, or none that leads there. */
export class TimelineError extends RestoreError {
  constructor(message: string, remedy: string) {
    super('RESTORE_TIMELINE', message, remedy);
  }
}

/** The directory is in use, not empty, or not one to restore into. */
export class DirectoryError extends RestoreError {
  constructor(message: string, remedy: string) {
    super('RESTORE_DIRECTORY', message, remedy);
  }
}

/** A tablespace has no place to go. */
export class TablespaceError extends RestoreError {
  constructor(message: string) {
    super(
      'RESTORE_TABLESPACE',
      message,
      'Name a place for it: --tablespace-mapping OLD=NEW (absolute paths, as pg_basebackup has it; or OID=NEW). It must be empty or absent.',
    );
  }
}

/** What was unpacked is not what was backed up. */
export class DamagedBackupError extends RestoreError {
  constructor(backup: string, why: string, cause?: unknown) {
    super(
      'RESTORE_DAMAGED',
      `backup ${backup} is damaged: ${why}`,
      'Restore an older backup (--backup): with all WAL since it reaches the same target. "pgwarden verify" tells what else is touched.',
      cause,
    );
  }
}

/** Postgres ended before the recovery was at its target. */
export class RecoveryError extends RestoreError {
  constructor(message: string, remedy: string, cause?: unknown) {
    super('RESTORE_RECOVERY', message, remedy, cause);
  }
}

/** All WAL of the archive was replayed, and the target was not in it. */
export class TargetNotReachedError extends RestoreError {
  constructor(target: string, range: string) {
    super(
      'RESTORE_TARGET_NOT_REACHED',
      `recovery came to the end of the archive before ${target}`,
      `Name a target that the archive has, or none for its end. What can be reached: ${range}.`,
    );
  }
}
