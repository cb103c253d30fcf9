/** What the runner of fault scenarios cannot do here, or was asked wrongly. */
export class StageError extends Error {
  readonly code: 'STAGE_NOT_UP' | 'NO_SUCH_PART' | 'FAULT_NOT_INJECTED';
  readonly remedy: string;

  constructor(code: StageError['code'], message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StageError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** A part (a process, a member, a device) that a scenario needs and that is not there now. */
export function missingPart(what: string): StageError {
  return new StageError('NO_SUCH_PART', `there is no ${what} now`, 'look at the logs that were kept');
}
