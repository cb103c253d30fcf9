/** The models cannot be checked on this machine: what is missing, and how to get it. */
export class ModelToolError extends Error {
  readonly code = 'MODEL_TOOL_MISSING';
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelToolError';
    this.remedy = remedy;
  }
}

/** A model could not be built or run to its end: its text is wrong, or a bound of the checker was met. */
export class ModelRunError extends Error {
  readonly code = 'MODEL_RUN_FAILED';
  readonly remedy = 'See what spin, the compiler or the checker printed.';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ModelRunError';
  }
}
