import { EXIT, type ExitCode } from './exit-codes.ts';

/**
 * An error for the person at the terminal: `message` names the cause, `remedy` what to do, `code` is stable for
 * scripts, and the process ends with `exitCode`.
 */
export class CommandError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly exitCode: ExitCode;

  constructor(
    code: string,
    message: string,
    remedy: string,
    options: { exitCode?: ExitCode; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** Options that do not go together, or a value that is not one: nothing was tried. */
export class UsageError extends CommandError {
  constructor(message: string, remedy: string) {
    super('USAGE', message, remedy, { exitCode: EXIT.usage });
  }
}

/** No agent answered at any of the places that were tried. */
export class UnreachableError extends CommandError {
  constructor(tried: readonly { where: string; why: string }[], cause?: unknown) {
    const places = tried.map(({ where, why }) => `${where} (${why})`).join(', ');
    super(
      'UNREACHABLE',
      `no agent answered: ${places}`,
      'start the agent (pgwarden run), or say where one is: --socket PATH, --url URL or --dir DIR',
      { exitCode: EXIT.unreachable, cause },
    );
  }
}

/** There is nothing to say where an agent could be. */
export class NoAgentKnownError extends CommandError {
  constructor() {
    super(
      'NO_AGENT_KNOWN',
      'no agent is known here: there is no socket at the usual places and no demo cluster',
      'say where one is: --socket PATH, --url URL or --dir DIR of a demo cluster; or start a cluster: pgwarden demo',
      { exitCode: EXIT.unreachable },
    );
  }
}

/** The agent answered "no": code, sentence and remedy are its own. */
export class RefusedError extends CommandError {
  readonly status: number;

  constructor(status: number, refusal: { code: string; message: string; remedy: string }) {
    super(refusal.code, refusal.message, refusal.remedy, { exitCode: EXIT.refused });
    this.status = status;
  }
}

/** The agent took the wish, but what was asked for did not come about within `--timeout`. */
export class DidNotHappenError extends CommandError {
  constructor(what: string, seconds: number, seen: string) {
    super(
      'DID_NOT_HAPPEN',
      `${what} did not happen within ${seconds} s; last seen: ${seen}`,
      'the wish may still be carried out: look at pgwarden status and pgwarden history, or wait longer with --timeout',
    );
  }
}

/** What was asked for can no longer happen: the cluster went another way. */
export class HappenedOtherwiseError extends CommandError {
  constructor(message: string) {
    super('HAPPENED_OTHERWISE', message, 'look at pgwarden status and pgwarden history, then ask again');
  }
}

/** A question would have to be asked, but a script cannot answer it, or the person said no. */
export class NotConfirmedError extends CommandError {
  constructor(what: string) {
    super('NOT_CONFIRMED', `not confirmed: ${what}`, 'answer yes, or give --yes', { exitCode: EXIT.usage });
  }
}

/** A person pressed Ctrl-C while a command waited. */
export class InterruptedError extends CommandError {
  constructor() {
    super(
      'INTERRUPTED',
      'interrupted while waiting',
      'the wish may still be carried out: look at pgwarden status',
      {
        exitCode: EXIT.interrupted,
      },
    );
  }
}

/** Some members did it, others did not; `done` is what the former said, a line each. */
export class PartlyDoneError extends CommandError {
  constructor(what: string, done: readonly string[], failed: readonly { member: string; error: Error }[]) {
    const lines = failed.map(({ member, error }) => `${member}: ${error.message}`);
    super(
      'PARTLY_DONE',
      [`${what} of ${failed.map(({ member }) => member).join(', ')} failed`, ...lines, ...done].join('\n'),
      'run it again for those members once they answer: the others are done',
    );
  }
}

/** The agent took the backup, and it failed: code, sentence and remedy are its own. */
export class BackupFailedError extends CommandError {
  constructor(failure: { code: string; message: string; remedy: string }) {
    super(failure.code, failure.message, failure.remedy);
  }
}
