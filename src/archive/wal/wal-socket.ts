import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { headersOf, type WalAnswer } from './answers.ts';

/** Answers one file; the signal ends when the asking process goes away. */
export type WalHandler = (file: string, signal: AbortSignal) => Promise<WalAnswer>;

/**
 * Serves archive_command and restore_command at a Unix socket of its own, for a restore that runs without an agent.
 * The path must be free, in a directory that only its owner may enter, and at most 107 bytes long. Resolves when
 * `signal` ends; `listening` is called once Postgres may ask.
 */
export async function serveWal(
  path: string,
  handlers: { readonly push?: WalHandler; readonly fetch?: WalHandler },
  signal: AbortSignal,
  listening: () => void,
): Promise<void> {
  const server = createServer((request, response) => void answer(request, response, handlers, signal));
  server.listen(path);
  await once(server, 'listening');
  try {
    listening();
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(path, { force: true });
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: { readonly push?: WalHandler; readonly fetch?: WalHandler },
  signal: AbortSignal,
): Promise<void> {
  const [, verb = '', file = ''] =
    /^\/v1\/archive\/(push|fetch)\/([0-9A-Za-z.]+)$/.exec(request.url ?? '') ?? [];
  const handler = verb === 'push' || verb === 'fetch' ? handlers[verb] : undefined;
  if (handler === undefined || request.method !== 'POST') {
    response.writeHead(400).end('this is not asked here');
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const told = await handler(file, AbortSignal.any([signal, gone.signal]));
    response.writeHead(told.status, headersOf(told)).end(told.text);
  } catch (error) {
    response.writeHead(503).end(error instanceof Error ? error.message : String(error));
  }
}
