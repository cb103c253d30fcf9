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

/** Another agent works in this directory: its guard holds the agents' lock. */
export class AgentTakenError extends AgentError {
  constructor(volume: string, holder: { readonly agent: number; readonly host: string } | null) {
    super(
      'AGENT_TAKEN',
      holder === null
        ? `another agent runs in ${volume}`
        : `another agent runs in ${volume}: process ${holder.agent} on ${holder.host}`,
      'End that agent first; if it is dead already, its guard (pgwarden-guard in the list of processes) is still ending its Postgres: try again when it is gone.',
    );
  }
}

/** The guard process could not be started, or does not do its work. Nothing may run unguarded. */
export class GuardError extends AgentError {
  constructor(why: string, options?: ErrorOptions) {
    super(
      'GUARD_UNAVAILABLE',
      `the guard cannot be started: ${why}`,
      'See that perl (the package perl-base is enough) is in the PATH and that the volume is writable for the user that Postgres runs as.',
      options,
    );
  }
}

/** The process cannot become the user that Postgres runs as. */
export class PrivilegesError extends AgentError {
  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super('PRIVILEGES', message, remedy, options);
  }
}
