/** What ended a drill, for programs; never renamed. A failed check is no error: it is a result. */
export type DrillErrorCode =
  | 'DRILL_CANCELLED'
  | 'DRILL_NO_SPACE'
  | 'DRILL_SCRATCH'
  | 'DRILL_SERVER'
  | 'DRILL_TIMEOUT';

/** A drill could not be held to its end: a stable `code`, the cause, and what a person can do. */
export class DrillError extends Error {
  readonly code: DrillErrorCode;
  readonly remedy: string;

  constructor(code: DrillErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The volume has too little room, before or in the middle of it. The scratch directory was emptied. */
export class NoSpaceError extends DrillError {
  constructor(message: string) {
    super(
      'DRILL_NO_SPACE',
      message,
      'Give the volume more room, or let drills work elsewhere (drill.directory). The member itself was not touched.',
    );
  }
}

/** The scratch directory is not one that a drill may empty, or another drill works there. */
export class ScratchError extends DrillError {
  constructor(message: string, remedy: string, cause?: unknown) {
    super('DRILL_SCRATCH', message, remedy, cause);
  }
}

/** What was restored does not start, or ends by itself. */
export class ScratchServerError extends DrillError {
  constructor(message: string, cause?: unknown) {
    super(
      'DRILL_SERVER',
      message,
      'The backup was restored and recovered, and Postgres does not run on what came of it: look at its last lines.',
      cause,
    );
  }
}

export class DrillTimeoutError extends DrillError {
  constructor(seconds: number) {
    super(
      'DRILL_TIMEOUT',
      `it did not end within ${seconds} s`,
      'Give it longer (drill.timeout), or see what takes so long: the phases of the result tell.',
    );
  }
}

export class DrillCancelledError extends DrillError {
  constructor(cause?: unknown) {
    super('DRILL_CANCELLED', 'it was cancelled', 'Hold it again: "pgwarden drill".', cause);
  }
}
