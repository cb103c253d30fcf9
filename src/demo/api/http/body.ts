import type { IncomingMessage } from 'node:http';
import { tooLarge, unsupportedBody } from '../status.ts';

/** The real server's limit, in bytes. */
const BODY_LIMIT = 3 * 1024 * 1024;

/**
 * The whole body as text.
 * @throws StatusError 413
 */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The media type of the body without parameters; empty where the request names none. */
export const mediaType = (request: IncomingMessage): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

/** @throws StatusError 415 for a body that is not JSON */
export function requireJson(request: IncomingMessage): void {
  const type = mediaType(request);
  if (type !== '' && type !== 'application/json') throw unsupportedBody();
}

/** Whether the client takes JSON: one of the types that it accepts, without a conversion such as `as=Table`. */
export function acceptsJson(request: IncomingMessage): boolean {
  const { accept } = request.headers;
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim());
    const json = ['application/json', 'application/*', '*/*'].includes(type);
    return json && !parameters.some((parameter) => parameter.startsWith('as='));
  });
}
