import { AgentError } from '../errors.ts';

/** The backup is of another major version than this image's Postgres. */
export class NoSuchMajorError extends AgentError {
  constructor(backup: number, own: number) {
    super(
      'RESTORE_BINARIES',
      `the backup is of PostgreSQL ${backup}, and this member runs PostgreSQL ${own}`,
      `Begin the cluster with an image of PostgreSQL ${backup}, and upgrade it then.`,
    );
  }
}

/** A recovery in place names a target that is none. */
export class InvalidGoalError extends AgentError {
  constructor(kind: string, value: string, expected: string) {
    super('RECOVERY_TARGET', `not a target: ${kind} ${JSON.stringify(value)}`, `Give ${expected}.`);
  }
}

/** A recovery that stands at its goal goes forwards only. */
export class NotFurtherError extends AgentError {
  constructor() {
    super(
      'RECOVERY_TARGET',
      'it is not certain that this target is behind the one where the recovery stands',
      'Name a later time (after a time) or LSN (after an LSN), or run "pgwarden recover --abandon" and begin again.',
    );
  }
}

/** The record asks for a recovery in place, and this member's configuration has no archive. */
export class NoArchiveToRecoverFromError extends AgentError {
  constructor() {
    super(
      'NO_ARCHIVE',
      'this member has no archive to recover from',
      'Give it the archive of the other members (archive.url), or run "pgwarden recover --abandon".',
    );
  }
}

/** A cluster with tablespaces cannot be set aside: their places would have to be emptied. */
export class HasTablespacesError extends AgentError {
  constructor() {
    super(
      'RECOVERY_TABLESPACES',
      'this cluster has tablespaces of its own, and those are not moved aside',
      'Begin a new cluster out of the archive (bootstrap.recovery), and move the clients to it.',
    );
  }
}

/** The backup is of another system than the cluster. */
export class OtherSystemError extends AgentError {
  constructor(backup: string, found: string, own: string) {
    super(
      'RECOVERY_OTHER_SYSTEM',
      `the backup ${backup} is of system ${found}, and this cluster is ${own}`,
      'Name a backup of this cluster (--backup); "pgwarden backup list" shows them.',
    );
  }
}

/** The volume must hold what is set aside and what is restored. */
export class NoRoomError extends AgentError {
  constructor(volume: string, needed: number, free: number) {
    const mega = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
    super(
      'RECOVERY_NO_ROOM',
      `${volume} has ${mega(free)} free, and the restored data needs ${mega(needed)} beside what is set aside`,
      'Make the volume larger, or begin a new cluster out of the archive (bootstrap.recovery).',
    );
  }
}
