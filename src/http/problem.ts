/** The statuses that this server answers a refused request with. */
export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 412 | 413 | 415 | 422 | 500 | 503;

/** What the body of every error says: `{"error": {code, message, remedy}}`. */
export interface ProblemBody {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** A request that is refused. Thrown by routes and hooks, turned into the answer by the error handler. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  readonly code: string;
  readonly remedy: string;

  constructor(status: ProblemStatus, code: string, message: string, remedy: string) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }

  get body(): ProblemBody {
    return { error: { code: this.code, message: this.message, remedy: this.remedy } };
  }
}

const DOCUMENT = 'See GET /openapi.json for what this agent understands.';

/** Codes of fastify's own errors, and what they mean to a client. Anything else is our fault: 500. */
const FRAMEWORK: Readonly<Record<string, readonly [ProblemStatus, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'Send a body of at most 16 KiB.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'media_type', 'Send JSON, with "content-type: application/json".'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'content_length', 'Send a body as long as content-length says.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'empty_body', 'Send a JSON object, or leave content-type out.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'invalid_json', 'Send valid JSON.'],
  FST_ERR_BAD_URL: [400, 'invalid_url', 'Send a valid percent-encoded path.'],
  FST_ERR_MAX_PARAM_LENGTH: [404, 'not_found', DOCUMENT],
};

/** An error of fastify, as far as it matters here. `validation` is what the schema compiler found wrong. */
interface FrameworkError extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly { readonly params?: Readonly<Record<string, unknown>> }[];
}

/** The problem that an error of the framework stands for; null: it is not the client's doing. */
export function problemOf(error: FrameworkError): Problem | null {
  if (error instanceof Problem) return error;
  if (error.validation !== undefined) {
    const unknown = error.validation[0]?.params?.additionalProperty;
    const message = unknown === undefined ? error.message : `${error.message}: ${JSON.stringify(unknown)}`;
    return new Problem(422, 'invalid_request', message, `Correct the named field. ${DOCUMENT}`);
  }
  const known = FRAMEWORK[error.code ?? ''];
  if (known !== undefined) return new Problem(known[0], known[1], error.message, known[2]);
  if (error instanceof SyntaxError && error.statusCode === 400) {
    return new Problem(400, 'invalid_json', error.message, 'Send valid JSON.');
  }
  return null;
}

export const notFound = (method: string, path: string): Problem =>
  new Problem(404, 'not_found', `there is no ${method} ${path}`, DOCUMENT);

export const methodNotAllowed = (method: string, path: string, allowed: readonly string[]): Problem =>
  new Problem(405, 'method_not_allowed', `${path} does not take ${method}`, `Use ${allowed.join(', ')}.`);
