import type { IncomingHttpHeaders } from 'node:http';
import { type Millis, millis } from '../ha/units.ts';
import {
  type ApiAnswer,
  type ApiCall,
  describeCall,
  methodOf,
  type ObserveCall,
  pathOf,
} from './api-call.ts';
import { statusError } from './api-status.ts';
import { type Clock, systemClock } from './clock.ts';
import { ConnectionPool, probeWhileOpen } from './connection-pool.ts';
import type { ApiEndpoint } from './endpoint.ts';
import {
  ApiAbortedError,
  ApiAnswerError,
  ApiDeadlineError,
  ApiStatusError,
  ApiUnreachableError,
} from './errors.ts';
import { Exchange } from './exchange.ts';
import { LineSplitter } from './line-splitter.ts';

/** No answer that we ask for comes near: a Lease with its history has some kilobytes. */
const ANSWER_LIMIT = 16 * 1024 * 1024;

export interface ApiClientOptions {
  readonly clock?: Clock;
  /** 1 or more; a watch takes one for itself. */
  readonly maxSockets?: number;
  readonly userAgent?: string;
  readonly observe?: ObserveCall;
}

/** Bounds of a stream. */
export interface StreamBounds {
  /** Until the head of the answer. */
  readonly openWithin: Millis;
  /** The longest time without a byte after that: the connection counts as dead. */
  readonly silence: Millis;
  readonly signal: AbortSignal;
}

/**
 * Calls to one API server over connections of its own. A call made with it needs no DNS, no file and no thread of
 * libuv's pool: nothing but the network and the server can stall it, and its deadline bounds those. Calls are
 * never repeated here. Cheap: what needs isolation from another's traffic takes a client of its own.
 */
export class ApiClient {
  readonly #endpoint: ApiEndpoint;
  readonly #pool: ConnectionPool;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #observe: ObserveCall;

  constructor(endpoint: ApiEndpoint, options: ApiClientOptions = {}) {
    this.#endpoint = endpoint;
    this.#pool = new ConnectionPool(endpoint, options.maxSockets ?? 4);
    this.#clock = options.clock ?? systemClock;
    this.#userAgent = options.userAgent ?? 'pgwarden';
    this.#observe = options.observe ?? (() => undefined);
  }

  /**
   * One call and its whole answer within `deadline`. Throws ApiStatusError (and its kinds for 401 and 403),
   * ApiUnreachableError, ApiDeadlineError, ApiAbortedError, ApiAnswerError.
   */
  async request(call: ApiCall, deadline: Millis, signal?: AbortSignal): Promise<ApiAnswer> {
    return await this.#observed(call, async () => {
      const what = describeCall(call);
      const body = call.body === undefined ? undefined : JSON.stringify(call.body);
      const sentAt = this.#clock.now();
      using exchange = new Exchange(this.#open(call), { what, deadline, signal });
      const answer = await exchange.send(body);
      const text = await exchange.readAll(answer, ANSWER_LIMIT);
      const status = answer.statusCode ?? 0;
      if (status >= 400) throw this.#refused(call, status, text, answer.headers);
      return { status, body: parse(text, what), sentAt };
    });
  }

  /**
   * A call whose answer is a line now and then, until the server ends it. `onOpen`: the server has accepted.
   * Throws like `request`, and what `onLine` throws.
   */
  async stream(
    call: ApiCall,
    bounds: StreamBounds,
    onOpen: () => void,
    onLine: (line: string) => void,
  ): Promise<void> {
    const what = describeCall(call);
    const request = this.#open(call);
    probeWhileOpen(request);
    using exchange = new Exchange(request, { what, deadline: bounds.openWithin, signal: bounds.signal });
    const answer = await this.#observed(call, async () => {
      const head = await exchange.send(undefined);
      const status = head.statusCode ?? 0;
      if (status < 400) return { status, head };
      throw this.#refused(call, status, await exchange.readAll(head, ANSWER_LIMIT), head.headers);
    });
    onOpen();
    exchange.extend(bounds.silence);
    const lines = new LineSplitter(ANSWER_LIMIT, what, onLine);
    await exchange.read(answer.head, (text) => {
      exchange.extend(bounds.silence);
      lines.push(text);
    });
  }

  /** Breaks every connection; calls in flight fail. */
  close(): void {
    this.#pool.close();
  }

  #open(call: ApiCall): ReturnType<ConnectionPool['request']> {
    return this.#pool.request(methodOf(call), pathOf(call, this.#endpoint.server), {
      ...this.#endpoint.headers,
      Accept: 'application/json',
      'User-Agent': this.#userAgent,
      ...(call.body === undefined
        ? {}
        : { 'Content-Type': call.verb === 'patch' ? 'application/merge-patch+json' : 'application/json' }),
    });
  }

  #refused(call: ApiCall, status: number, text: string, headers: IncomingHttpHeaders): ApiStatusError {
    if (status === 401) this.#endpoint.proofRefused();
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      // Whoever answered was no API server, or answered as text: show what it said.
      body = { message: text.trim().slice(0, 200) };
    }
    return statusError(call, status, body, headers);
  }

  async #observed<T extends { readonly status: number }>(call: ApiCall, work: () => Promise<T>): Promise<T> {
    const start = this.#clock.now();
    let code = 'error';
    try {
      const result = await work();
      code = String(result.status);
      return result;
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      this.#observe(call.verb, call.resource, code, millis(this.#clock.now() - start) / 1000);
    }
  }
}

function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiAnswerError(what, 'an answer that is not JSON', { cause });
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ApiStatusError) return String(error.status);
  if (error instanceof ApiDeadlineError) return 'deadline';
  if (error instanceof ApiUnreachableError) return 'unreachable';
  if (error instanceof ApiAbortedError) return 'aborted';
  if (error instanceof ApiAnswerError) return 'answer';
  return 'error';
}
