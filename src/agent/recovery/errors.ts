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
