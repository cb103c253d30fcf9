/** What went wrong, for programs; never renamed. */
export type PostgresErrorCode =
  | 'BINARIES_MISSING'
  | 'CANCELLED'
  | 'CONTROL_FILE_UNREADABLE'
  | 'DATA_MAJOR_MISMATCH'
  | 'DATA_NOT_EMPTY'
  | 'DATA_OWNER'
  | 'DATA_UNKNOWN'
  | 'KEPT_LOST'
  | 'DEADLINE_EXCEEDED'
  | 'DIRECTORY_IN_USE'
  | 'FACTS_CORRUPT'
  | 'NOT_RUNNING'
  | 'NO_POSTGRES'
  | 'POSTGRES_UNSUPPORTED'
  | 'NO_POSTGRES'
  | 'ORPHANS_SURVIVE'
  | 'PARAMETER_OWNED'
  | 'PARAMETER_REFUSED'
  | 'PARAMETER_UNKNOWN'
  | 'POSTGRES_UNSUPPORTED'
  | 'QUERY_FAILED'
  | 'RECEIVER_SURVIVES'
  | 'REWIND_NOT_FINISHED'
  | 'SERVER_EXITED'
  | 'SERVER_UNREACHABLE'
  | 'SYSTEM_IDENTIFIER_CHANGED'
  | 'TIMELINE_MISMATCH'
  | 'TIMELINE_TAKEN'
  | 'TOOL_FAILED'
  | 'VOLUME_FULL'
  | 'VOLUME_NOT_WRITABLE'
  | 'WRONG_STATE';

/** Every failure of this room: a stable `code`, a message that names the cause, and what a person can do. */
export class PostgresError extends Error {
  readonly code: PostgresErrorCode;
  readonly remedy: string;

  constructor(code: PostgresErrorCode, message: string, remedy: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The caller's signal ended the work, or a bound of ours passed. */
export class InterruptedWorkError extends PostgresError {
  constructor(what: string, reason: unknown) {
    const late = reason instanceof DOMException && reason.name === 'TimeoutError';
    super(
      late ? 'DEADLINE_EXCEEDED' : 'CANCELLED',
      late ? `${what} took longer than it may` : `${what} was cancelled`,
      'It is tried again by itself when it is still wanted.',
      { cause: reason },
    );
  }
}

/** A Postgres program (initdb, pg_basebackup, pg_rewind, …) could not be run or failed. */
export class ToolFailedError extends PostgresError {
  readonly tool: string;
  readonly exitCode: number | null;
  readonly output: string;

  constructor(tool: string, exitCode: number | null, signal: string | null, output: string) {
    const how =
      exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `failed with exit code ${exitCode}`;
    const said = output.trim();
    const full = /No space left on device/.test(said);
    super(
      full ? 'VOLUME_FULL' : 'TOOL_FAILED',
      `${tool} ${how}${said === '' ? '' : `: ${said}`}`,
      full
        ? 'Enlarge the volume, or remove what is under aside/ and diverged/ on it.'
        : `See what ${tool} says above; nothing that was whole before has been replaced.`,
    );
    this.tool = tool;
    this.exitCode = exitCode;
    this.output = said;
  }
}

/** The server refused or lost a query; `sqlState` is null where it was not the server that spoke. */
export class QueryFailedError extends PostgresError {
  readonly sqlState: string | null;

  constructor(message: string, sqlState: string | null, cause: unknown) {
    super('QUERY_FAILED', message, 'See the log of Postgres around this time.', { cause });
    this.sqlState = sqlState;
  }
}

/** The postmaster ended while it was waited for. */
export class ServerExitedError extends PostgresError {
  constructor(how: string, lastLines: readonly string[]) {
    const said = lastLines.length === 0 ? '' : `: ${lastLines.join(' | ')}`;
    super('SERVER_EXITED', `Postgres ${how}${said}`, 'The last lines of its log, above, name the cause.');
  }
}

/** Maps an error of the file system to one that a person can act on; others come back as they are. */
export function fileError(error: unknown, path: string): unknown {
  const code = errnoOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PostgresError(
      'VOLUME_FULL',
      `no space left on the volume while writing ${path}`,
      'Enlarge the volume, or remove what is under aside/ and diverged/ on it.',
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PostgresError(
      'VOLUME_NOT_WRITABLE',
      `${path} cannot be written (${code})`,
      'Give the volume to the user that the agent runs as (fsGroup, chown), and mount it writable.',
      { cause: error },
    );
  }
  return error;
}

/** The errno name (`ENOENT`, …) of an error, or null. */
export function errnoOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
