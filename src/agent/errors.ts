/** An error of the agent that a person can do something about. */
export class AgentError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
  }
}

/** A state that the rules exclude: a bug of pgwarden. */
export class AgentStateError extends AgentError {
  constructor(message: string) {
    super('AGENT_STATE', message, 'this is a bug of pgwarden: please report it with the log around it');
  }
}

/** Something did not come true within its bound. */
export class OverdueError extends AgentError {
  constructor(what: string, within: number) {
    super(
      'OVERDUE',
      `${what} did not happen within ${within} ms`,
      'the log before this line says what held it up',
    );
  }
}
