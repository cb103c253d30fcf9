import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { StoreWriteError } from '../errors.ts';
import type { ApiLogger } from '../logger.ts';
import {
  internalError,
  methodNotAllowed,
  noSuchResource,
  notAcceptable,
  StatusError,
  unauthorized,
} from '../status.ts';
import type { Store } from '../store/store.ts';
import { acceptsJson } from './body.ts';
import { discover } from './discovery.ts';
import { type Reply, sendJson, sendText } from './reply.ts';
import { parsePath } from './request.ts';
import { ResourceHandler } from './resource-handler.ts';

/** Paths that answer `ok`, to anybody. */
const HEALTH = /^\/(?:healthz|livez|readyz)(?:\/ping)?\/?$/;

export interface RouterOptions {
  readonly store: Store;
  /** Null: everybody on this machine may do everything. */
  readonly token: string | null;
  readonly logger: ApiLogger;
  /** Ends watches. */
  readonly signal: AbortSignal;
}

/** Turns HTTP requests into calls of the handlers, and whatever they throw into a Status. */
export class Router {
  readonly #options: RouterOptions;
  readonly #resources: ResourceHandler;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#resources = new ResourceHandler(options.store);
  }

  /** Answers one request. Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const warnings: string[] = [];
    try {
      const reply = await this.#dispatch(request, response, warnings);
      if (reply !== null) sendJson(response, reply, warnings);
    } catch (error) {
      this.#sendError(request, response, error, warnings);
    }
  }

  async #dispatch(
    request: IncomingMessage,
    response: ServerResponse,
    warnings: string[],
  ): Promise<Reply | null> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (HEALTH.test(url.pathname)) {
      sendText(response, 200, 'ok');
      return null;
    }
    if (url.pathname !== '/version' && !this.#isAuthorized(request)) throw unauthorized();
    const parsed = parsePath(url.pathname);
    if (parsed.type === 'resource') {
      if (!acceptsJson(request)) throw notAcceptable();
      const { signal } = this.#options;
      const { path } = parsed;
      const query = url.searchParams;
      return this.#resources.handle({ request, response, path, query, warnings, signal });
    }
    if (parsed.type === 'no-resource') throw noSuchResource();
    const body = discover(url.pathname, request.headers.host ?? '');
    if (body === undefined) {
      sendText(response, 404, '404 page not found\n');
      return null;
    }
    if (request.method !== 'GET') throw methodNotAllowed();
    return { code: 200, body };
  }

  #isAuthorized(request: IncomingMessage): boolean {
    const { token } = this.#options;
    if (token === null) return true;
    const given = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), digest(token));
  }

  #sendError(
    request: IncomingMessage,
    response: ServerResponse,
    error: unknown,
    warnings: readonly string[],
  ): void {
    const status = error instanceof StatusError ? error : this.#unexpected(request, error);
    // Too late for a Status once a stream has begun, and nobody reads one after the client has gone.
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // Whatever of the body was not read would be taken for the next request.
    if (!request.complete) response.shouldKeepAlive = false;
    sendJson(response, { code: status.code, body: status }, warnings);
  }

  #unexpected(request: IncomingMessage, error: unknown): StatusError {
    // A client that goes in the middle of its body is no fault of ours.
    if (!request.destroyed || error instanceof StoreWriteError) {
      const { method, url } = request;
      this.#options.logger.error(
        { event: 'api-request-failed', method, url, err: error },
        'A request failed',
      );
    }
    return internalError(error instanceof Error ? error.message : String(error));
  }
}

/** Of equal length, so that they can be compared in constant time. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
