import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { StatusError } from '../status.ts';

/** An answer that is ready. */
export interface Reply {
  readonly code: number;
  readonly body: unknown;
}

const COMMON_HEADERS = { 'Cache-Control': 'no-cache, private' } as const;

/** Writes JSON as the real server does: one line, a line feed at its end. */
export function sendJson(response: ServerResponse, { code, body }: Reply, warnings: readonly string[]): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(code, {
    ...COMMON_HEADERS,
    'Audit-Id': randomUUID(),
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...(warnings.length === 0 ? {} : { Warning: warnings.map((text) => `299 - ${quoted(text)}`) }),
    ...retryAfter(body),
  });
  response.end(text);
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, {
    ...COMMON_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** The head of a watch: events follow until the response ends. */
export function startStream(response: ServerResponse): void {
  response.writeHead(200, {
    ...COMMON_HEADERS,
    'Audit-Id': randomUUID(),
    'Content-Type': 'application/json',
  });
  response.flushHeaders();
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

function retryAfter(body: unknown): Record<string, string> {
  const seconds = body instanceof StatusError ? body.details?.retryAfterSeconds : undefined;
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) };
}
