/** What went wrong, for programs; never renamed. */
export type ArchiveErrorCode =
  | 'ARCHIVE_CANCELLED'
  | 'ARCHIVE_CLOCK_SKEW'
  | 'ARCHIVE_CREDENTIALS'
  | 'ARCHIVE_EMPTIED'
  | 'ARCHIVE_FAULT'
  | 'ARCHIVE_FOREIGN'
  | 'ARCHIVE_FULL'
  | 'ARCHIVE_KEY'
  | 'ARCHIVE_MISSING'
  | 'ARCHIVE_NOT_READY'
  | 'ARCHIVE_OBJECT_CONFLICT'
  | 'ARCHIVE_OBJECT_DAMAGED'
  | 'ARCHIVE_OBJECT_MISSING'
  | 'ARCHIVE_SETTINGS'
  | 'ARCHIVE_UNREACHABLE';

/** Every failure of the archive: a stable `code`, a message that names the cause, and what a person can do. */
export class ArchiveError extends Error {
  readonly code: ArchiveErrorCode;
  readonly remedy: string;
  /** Whether the same may well succeed a little later, with nobody doing anything. */
  readonly transient: boolean;

  constructor(
    code: ArchiveErrorCode,
    message: string,
    remedy: string,
    options: { readonly transient?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
    this.transient = options.transient ?? false;
  }
}

/** Nobody answers, or the store says that it cannot just now (5xx, slow down, a connection that broke). */
export class StoreUnreachableError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_UNREACHABLE',
      `${store} cannot be reached: ${why}`,
      'It is tried again by itself, and WAL is kept meanwhile. If it stays so, see that the endpoint is right and reachable from this pod.',
      { transient: true, cause },
    );
  }
}

/** The store answers, and the primary has not made the archive this cluster's yet, or that of its present life. */
export class ArchiveNotReadyError extends ArchiveError {
  constructor(store: string, why: string) {
    super(
      'ARCHIVE_NOT_READY',
      `${store} is not ready: ${why}`,
      'The primary sees to it by itself within seconds: try again then. If it stays so, its log and "archive" of its GET /v1/status say why.',
      { transient: true },
    );
  }
}

/** The store refuses who asks: no credentials, wrong ones, expired ones, or too few rights. */
export class StoreCredentialsError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_CREDENTIALS',
      `${store} refuses this member: ${why}`,
      'Give credentials that may list, read, write and delete below the prefix (for a directory: its owner and mode). They are read again by themselves.',
      { cause },
    );
  }
}

/** There is no such bucket, or no such directory: neither is ever made by pgwarden. */
export class StoreMissingError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_MISSING',
      `${store} is not there: ${why}`,
      'Make the bucket (or mount or make the directory), or correct archive.url. It is looked for again by itself.',
      { cause },
    );
  }
}

/** The archive is another cluster's, or another life's of this one. Nothing was written. */
export class ForeignArchiveError extends ArchiveError {
  constructor(store: string, found: string, own: string) {
    super(
      'ARCHIVE_FOREIGN',
      `${store} is the archive of ${found}; this is ${own}`,
      'Give this cluster a prefix of its own in archive.url. To take over what is there, restore from it into a new cluster with another prefix.',
    );
  }
}

/** What was this cluster's archive says nothing of itself any more: emptied, or another volume at its place. Nothing was written. */
export class EmptiedArchiveError extends ArchiveError {
  constructor(store: string, note: string) {
    super(
      'ARCHIVE_EMPTIED',
      `${store} is empty, and was this cluster's archive before`,
      `See that the right volume is mounted, or the right bucket named. If it was emptied on purpose, remove ${note} on every member: it is begun anew then.`,
    );
  }
}

/** The clocks of this machine and of the store are too far apart for signed requests. */
export class ClockSkewError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_CLOCK_SKEW',
      `the clock of this machine and that of ${store} are too far apart: ${why}`,
      'Set the clock of the machine that is wrong (NTP). WAL is kept until then.',
      { cause },
    );
  }
}

/** The store has no room left, or a quota is used up. */
export class StoreFullError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_FULL',
      `${store} is full: ${why}`,
      'Give the store more room, or keep fewer backups. WAL is kept on the primary until then: watch its volume.',
      { cause },
    );
  }
}

/** There is no such object: in reading, an answer rather than a fault. */
export class ObjectMissingError extends ArchiveError {
  readonly key: string;

  constructor(store: string, key: string, cause?: unknown) {
    super(
      'ARCHIVE_OBJECT_MISSING',
      `${store} has no ${key}`,
      'Look at what the archive holds: retention, or a person, may have removed it.',
      { cause },
    );
    this.key = key;
  }
}

/** An object that is there has other content than what was to be written under its name. It was left as it is. */
export class ObjectConflictError extends ArchiveError {
  readonly key: string;

  constructor(store: string, key: string) {
    super(
      'ARCHIVE_OBJECT_CONFLICT',
      `${store} has other bytes under ${key} than this member would archive: nothing was overwritten`,
      'Two histories archive under one name: see that no other cluster writes to this prefix. If the object is a leftover that no restore needs, move it away by hand.',
    );
    this.key = key;
  }
}

/** What was read is not what was written: cut short, or changed. */
export class ObjectDamagedError extends ArchiveError {
  readonly key: string;

  constructor(store: string, key: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_OBJECT_DAMAGED',
      `${key} in ${store} is damaged: ${why}`,
      'Look at the object in the store: versions that the bucket keeps, or a copy of it, may be whole. It was left as it is.',
      { cause },
    );
    this.key = key;
  }
}

/** The key for client-side encryption is missing, malformed, or not the one that an object was encrypted with. */
export class EncryptionKeyError extends ArchiveError {
  constructor(message: string, cause?: unknown) {
    super(
      'ARCHIVE_KEY',
      message,
      'Give the file of archive.encryption.keyFile one key a line (32 bytes in base64 or hex): the first encrypts, each may decrypt.',
      { cause },
    );
  }
}

/** A URL or setting that names no store. */
export class ArchiveSettingsError extends ArchiveError {
  constructor(message: string, remedy: string, cause?: unknown) {
    super('ARCHIVE_SETTINGS', message, remedy, { cause });
  }
}

/** The store answered something that none of the others explains. */
export class StoreFaultError extends ArchiveError {
  constructor(store: string, why: string, cause?: unknown) {
    super(
      'ARCHIVE_FAULT',
      `${store} failed: ${why}`,
      'It is tried again by itself. The log of the store may tell more.',
      { transient: true, cause },
    );
  }
}

/** The caller's signal ended it. */
export class ArchiveCancelledError extends ArchiveError {
  constructor(what: string, cause?: unknown) {
    super('ARCHIVE_CANCELLED', `${what} was cancelled`, 'It is tried again when it is still wanted.', {
      transient: true,
      cause,
    });
  }
}
