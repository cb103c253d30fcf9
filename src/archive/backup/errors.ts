/** What went wrong with a backup, for programs; never renamed. */
export type BackupErrorCode =
  | 'BACKUP_CANCELLED'
  | 'BACKUP_CHECKSUM'
  | 'BACKUP_CONTROL_FILE'
  | 'BACKUP_INTERRUPTED'
  | 'BACKUP_LABEL'
  | 'BACKUP_LOCK_LOST'
  | 'BACKUP_NAME_TAKEN'
  | 'BACKUP_PROMOTED'
  | 'BACKUP_READ'
  | 'BACKUP_RUNNING'
  | 'BACKUP_WAL_MISSING';

/** A backup that was not taken. Nothing of it counts, and earlier ones are as they were. */
export class BackupError extends Error {
  readonly code: BackupErrorCode;
  readonly remedy: string;

  constructor(code: BackupErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** Another member (or another program of this cluster) is taking one: exactly one runs at a time. */
export class BackupRunningError extends BackupError {
  constructor(holder: string) {
    super(
      'BACKUP_RUNNING',
      `${holder} is taking a backup of this cluster already`,
      'Wait until it is done: "pgwarden backup list" and GET /v1/status of that member show it.',
    );
  }
}

/** This agent could not renew its lock in time, and another one took over. */
export class BackupLockLostError extends BackupError {
  constructor(holder: string) {
    super(
      'BACKUP_LOCK_LOST',
      `the lock for backups went to ${holder} while this one could not renew it`,
      'The other one takes the backup. See that the store answers this member within seconds.',
    );
  }
}

/** A page of a relation whose checksum is wrong. */
export interface BadPage {
  /** Below PGDATA. */
  readonly file: string;
  /** Counted from the beginning of this file. */
  readonly block: number;
  readonly expected: number;
  readonly found: number;
}

/** Pages on disk are damaged: the backup would keep the damage, and in time push the good ones out. */
export class PageChecksumError extends BackupError {
  readonly pages: readonly BadPage[];

  constructor(pages: readonly BadPage[], total: number) {
    const named = pages.map(({ file, block }) => `${file} block ${block}`).join(', ');
    const more = total > pages.length ? ` and ${total - pages.length} more` : '';
    super(
      'BACKUP_CHECKSUM',
      `the checksum of ${total === 1 ? 'a page is' : `${total} pages is`} wrong: ${named}${more}`,
      'The storage of this member damaged data. Keep the earlier backups; look with pg_amcheck which table it is; make the member anew from a good one ("pgwarden reinitialize"), or back up from another ("pgwarden backup --from MEMBER").',
    );
    this.pages = pages;
  }
}

/** A file of the data directory could not be read. */
export class FileUnreadableError extends BackupError {
  constructor(file: string, why: string, cause?: unknown) {
    super(
      'BACKUP_READ',
      `${file} cannot be read: ${why}`,
      'Look at the volume of this member (permissions, errors of the disk in the kernel log).',
      cause,
    );
  }
}

/** `global/pg_control` was torn at every try. */
export class ControlFileError extends BackupError {
  constructor(file: string) {
    super(
      'BACKUP_CONTROL_FILE',
      `the checksum of ${file} is wrong, however often it is read`,
      'Look at the volume of this member: Postgres would not start from this file either.',
    );
  }
}

/** A standby was promoted while it was backed up: Postgres cannot end that backup (xlog.c, do_pg_backup_stop). */
export class PromotedError extends BackupError {
  constructor() {
    super(
      'BACKUP_PROMOTED',
      'this standby became the primary while it was backed up',
      'Take another one: "pgwarden backup".',
    );
  }
}

/** Postgres ended the session that the backup lives in: it was stopped, restarted, rewound or cloned. */
export class BackupInterruptedError extends BackupError {
  constructor(why: string, cause?: unknown) {
    super(
      'BACKUP_INTERRUPTED',
      `Postgres ended the backup: ${why}`,
      'Take another one when this member runs again, or from another: "pgwarden backup --from MEMBER".',
      cause,
    );
  }
}

/** The agent was told to end, or a person cancelled. */
export class BackupCancelledError extends BackupError {
  constructor(cause?: unknown) {
    super('BACKUP_CANCELLED', 'the backup was cancelled', 'Take another one: "pgwarden backup".', cause);
  }
}

/** Postgres's label is not that of the place where the backup was taken to begin. */
export class BackupLabelError extends BackupError {
  constructor(why: string) {
    super(
      'BACKUP_LABEL',
      `the label of the backup is not as expected: ${why}`,
      'Take another one, and report this.',
    );
  }
}

/** There is a backup of this name already: two of a standby may begin at the same checkpoint. */
export class BackupNameTakenError extends BackupError {
  constructor(name: string) {
    super(
      'BACKUP_NAME_TAKEN',
      `the archive has ${name} already, which begins at the same place in WAL`,
      'Take another one after the next checkpoint of the primary, or from the primary: "pgwarden backup --from primary".',
    );
  }
}

/** The WAL that the backup needs did not come to the archive in time. */
export class BackupWalMissingError extends BackupError {
  constructor(files: readonly string[], seconds: number) {
    super(
      'BACKUP_WAL_MISSING',
      `the archive has not got ${files.slice(0, 3).join(', ')}${files.length > 3 ? ` and ${files.length - 3} more` : ''} within ${seconds} s, which a restore of this backup needs`,
      'See what keeps WAL from the archive ("pgwarden status" and pgwarden_archive_failing), then take another one.',
    );
  }
}
