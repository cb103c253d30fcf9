import { BackupError } from '../../archive/backup/errors.ts';

/** The primary did not do what a backup of a standby needs of it. */
export class PrimaryUnavailableError extends Error {
  readonly code = 'BACKUP_PRIMARY';
  readonly remedy = 'See whether there is a primary ("pgwarden status"), then take another backup.';

  constructor(why: string, cause?: unknown) {
    super(`the primary did not end its segment of WAL: ${why}`, cause === undefined ? undefined : { cause });
    this.name = 'PrimaryUnavailableError';
  }
}

/** Code, sentence and remedy of whatever ended a backup. */
export interface BackupFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** An error as status, log and refusals tell it. */
export function failureOf(error: unknown): BackupFailure {
  const { code, remedy } = (error ?? {}) as { readonly code?: unknown; readonly remedy?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: typeof code === 'string' ? code : 'BACKUP_FAILED',
    message,
    remedy: typeof remedy === 'string' ? remedy : 'See the log of this member, then take another one.',
  };
}

/** Whether it says that another backup runs: nothing went wrong. */
export function isRunningElsewhere(error: unknown): boolean {
  return error instanceof BackupError && error.code === 'BACKUP_RUNNING';
}
