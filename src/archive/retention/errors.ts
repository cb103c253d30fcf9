import type { ArchiveIdentity } from '../identity.ts';

/** What went wrong in removing, for programs; never renamed. */
export type RetentionErrorCode =
  | 'RETENTION_BACKUP_NEEDED'
  | 'RETENTION_BACKUP_PERMANENT'
  | 'RETENTION_BACKUP_UNKNOWN'
  | 'RETENTION_LAST_BACKUP'
  | 'RETENTION_LAYOUT'
  | 'RETENTION_NOT_OWN';

/** Something is not removed: a stable `code`, the cause, and what a person can do. Nothing was removed. */
export class RetentionError extends Error {
  readonly code: RetentionErrorCode;
  readonly remedy: string;

  constructor(code: RetentionErrorCode, message: string, remedy: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The archive is another cluster's, another life's of this one, or does not say whose it is. */
export class NotOwnArchiveError extends RetentionError {
  constructor(store: string, found: ArchiveIdentity | null, own: ArchiveIdentity) {
    const whose =
      found === null
        ? 'does not say whose it is (it has no pgwarden/identity.json)'
        : `is the archive of cluster ${found.clusterUID}, generation ${found.generation}, system identifier ${found.systemIdentifier}`;
    super(
      'RETENTION_NOT_OWN',
      `nothing is removed: ${store} ${whose}; this is cluster ${own.clusterUID}, generation ${own.generation}, system identifier ${own.systemIdentifier}`,
      'Correct archive.url. What another program or cluster keeps there is for that one to remove.',
    );
  }
}

/** It is laid out as barman-cloud does, which pgwarden reads and never writes. */
export class ForeignLayoutError extends RetentionError {
  constructor(store: string) {
    super(
      'RETENTION_LAYOUT',
      `nothing is removed: ${store} is laid out as barman-cloud does, which pgwarden only reads`,
      'Remove what is too old with barman-cloud-backup-delete.',
    );
  }
}

/** There is no backup of this name. */
export class UnknownBackupError extends RetentionError {
  constructor(id: string, known: readonly string[]) {
    super(
      'RETENTION_BACKUP_UNKNOWN',
      `the archive has no backup ${id}`,
      known.length === 0
        ? 'It has none at all.'
        : `The backups are ${known.slice(-10).join(', ')}${known.length > 10 ? ' and older ones' : ''}.`,
    );
  }
}

/** It is marked to stay for ever. */
export class PermanentBackupError extends RetentionError {
  constructor(id: string) {
    super(
      'RETENTION_BACKUP_PERMANENT',
      `${id} is marked permanent`,
      'If it may really go, take the mark away first: wal-g backup-mark -i.',
    );
  }
}

/** Others hold only the changes since it. */
export class BackupNeededError extends RetentionError {
  constructor(id: string, by: readonly string[]) {
    super(
      'RETENTION_BACKUP_NEEDED',
      `${by.join(', ')} cannot be restored without ${id}`,
      `Delete ${by.length === 1 ? 'that one' : 'those'} first.`,
    );
  }
}

/** Without it, the archive restores nothing any more. */
export class LastBackupError extends RetentionError {
  constructor(id: string) {
    super(
      'RETENTION_LAST_BACKUP',
      `${id} is the last backup that can be restored: without it all WAL in the archive is of no use`,
      'Take another backup first ("pgwarden backup"), or say that you mean it: --last.',
    );
  }
}
