import { aggregateMessage, type FieldError } from './validation/field-error.ts';

/** The `details` of a metav1.Status. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly {
    readonly reason?: string;
    readonly message?: string;
    readonly field?: string;
  }[];
  readonly retryAfterSeconds?: number;
}

/** What a Status names: a resource (`leases`) or a kind (`Lease`) of a group. */
export interface QualifiedName {
  readonly group: string;
  readonly name: string;
}

/** An answer of the API that is not the object asked for: a metav1.Status with its HTTP code. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: StatusDetails | undefined;
  /** A fresh token to go on with, in a 410 of a paged list. */
  readonly continueToken: string | undefined;

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    continueToken?: string,
  ) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.continueToken = continueToken;
  }

  /** The body, in the field order of the real server. */
  toJSON(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken === undefined ? {} : { continue: this.continueToken },
      status: 'Failure',
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

const qualified = ({ group, name }: QualifiedName): string => (group === '' ? name : `${name}.${group}`);

const named = (of: QualifiedName, name: string): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(of.group === '' ? {} : { group: of.group }),
  kind: of.name,
});

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

export const notFound = (resource: QualifiedName, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, named(resource, name));

/** The path is of a known group, but names no resource of it. */
export const noSuchResource = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): StatusError =>
  new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );

export const notAcceptable = (): StatusError =>
  new StatusError(
    406,
    'NotAcceptable',
    '406: Not Acceptable\n\nAvailable representations: application/json, application/json;stream=watch',
    {},
  );

export const alreadyExists = (resource: QualifiedName, name: string): StatusError =>
  new StatusError(
    409,
    'AlreadyExists',
    `${qualified(resource)} "${name}" already exists`,
    named(resource, name),
  );

export const conflict = (of: QualifiedName, name: string, why: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`,
    named(of, name),
  );

export const expired = (message: string, continueToken?: string): StatusError =>
  new StatusError(410, 'Expired', message, undefined, continueToken);

export const tooLarge = (limit: number): StatusError =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

export const unsupportedBody = (): StatusError =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json',
  );

export const unsupportedPatch = (): StatusError =>
  new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});

export function invalid(of: QualifiedName, name: string, errors: readonly FieldError[]): StatusError {
  return new StatusError(
    422,
    'Invalid',
    `${qualified(of)} "${name}" is invalid: ${aggregateMessage(errors)}`,
    {
      ...(of.name === '' ? { ...(name === '' ? {} : { name }) } : named(of, name)),
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  );
}

/** A JSON patch that cannot be applied: the real server says no more than this. */
export const unprocessable = (): StatusError =>
  new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

/** The real server's answer where an error has no class of its own: code 500 without a reason. */
export const plainError = (message: string): StatusError => new StatusError(500, undefined, message);

export const internalError = (cause: string): StatusError =>
  new StatusError(500, 'InternalError', `Internal error occurred: ${cause}`, {
    causes: [{ message: cause }],
  });

/** A read at a version that the server has not reached. */
export const futureVersion = (asked: number, current: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
