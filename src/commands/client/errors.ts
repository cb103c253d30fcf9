import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Endpoint, nameOf } from './endpoint.ts';

/** Something answered, but not as an agent does: another program's port, or a proxy between. */
export class BadAnswerError extends CommandError {
  constructor(endpoint: Endpoint, what: string, cause?: unknown) {
    super(
      'BAD_ANSWER',
      `what answers at ${nameOf(endpoint)} is not a pgwarden agent: ${what}`,
      'check --url or --socket',
      {
        exitCode: EXIT.unreachable,
        cause,
      },
    );
  }
}

/** The token, socket or certificate that was named cannot be read. */
export class CredentialsUnreadableError extends CommandError {
  constructor(what: string, path: string, cause: unknown) {
    super('CREDENTIALS_UNREADABLE', `cannot read the ${what} ${path}`, 'check the path and the permissions', {
      exitCode: EXIT.usage,
      cause,
    });
  }
}
