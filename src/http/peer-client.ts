import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type {
  HoldAnswer,
  HoldRequest,
  LeadRequest,
  PeerState,
  PromiseAnswer,
  PromiseRequest,
} from '../ha/peer.ts';
import type { Millis } from '../ha/units.ts';
import { HttpError, PeerAnswerError, PeerRequestError, PeerStatusError, PeerTimeoutError } from './errors.ts';
import { decodeHoldAnswer, decodePeerState, decodePromiseAnswer } from './peer-codec.ts';
import { classifyFailure, type PeerOutcome } from './peer-outcome.ts';

/** PEM texts for calling peers over TLS. A new object means new material: connections are made anew. */
export interface PeerTls {
  readonly ca: string | Buffer;
  /** Shown to peers that ask for a client certificate. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

export interface PeerClientOptions {
  readonly host: string;
  readonly port: number;
  /** The bearer token of the cluster; asked for at each call, so that it may rotate. */
  readonly token: () => string | null;
  /** Null: plain HTTP. Asked for at each call, so that it may rotate. */
  readonly tls: () => PeerTls | null;
  /** The name that the peer's certificate must carry, where it is not `host`. */
  readonly serverName?: string;
  /**
   * A connection to the peer was closed from the other side: its agent may have ended. Only a latency hint for
   * failure detection: an agent that restarts or sheds connections does the same.
   */
  readonly onClosed?: () => void;
}

interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly deadline: Millis;
  readonly signal?: AbortSignal | undefined;
}

type Raw = { readonly status: number; readonly text: string } | { readonly error: NodeJS.ErrnoException };

/** The largest answer that is read: a peer state is about 1 KiB. */
const ANSWER_LIMIT = 256 * 1024;

/** Calls one peer's agent (`/peer/v1/…`) over connections that are kept alive. Every call has its own deadline. */
export class PeerClient {
  readonly #options: PeerClientOptions;
  #agent: http.Agent | null = null;
  #tls: PeerTls | null = null;
  readonly #watched = new WeakSet<Socket>();
  /** Connections that this side closes. */
  readonly #dropped = new WeakSet<Socket>();
  #closed = false;

  constructor(options: PeerClientOptions) {
    this.#options = options;
  }

  /** How the peer is. */
  state(deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<PeerState>> {
    return this.#call({ method: 'GET', path: '/peer/v1/state', deadline, signal }, decodePeerState);
  }

  /** Asks the peer for a promise. It stops WAL reception before it answers: allow for that in the deadline. */
  promise(body: PromiseRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<PromiseAnswer>> {
    return this.#call(
      { method: 'POST', path: '/peer/v1/promise', body, deadline, signal },
      decodePromiseAnswer,
    );
  }

  /** Tells the peer that it is ahead. */
  lead(body: LeadRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<null>> {
    return this.#call({ method: 'POST', path: '/peer/v1/lead', body, deadline, signal }, () => null);
  }

  /** Asks the peer not to acquire the Lease for a while. */
  hold(body: HoldRequest, deadline: Millis, signal?: AbortSignal): Promise<PeerOutcome<HoldAnswer>> {
    return this.#call({ method: 'POST', path: '/peer/v1/hold', body, deadline, signal }, decodeHoldAnswer);
  }

  /** Closes the connections; calls under way end as `silent`. */
  close(): void {
    this.#closed = true;
    this.#agent?.destroy();
    this.#agent = null;
  }

  async #call<T>(exchange: Exchange, decode: (json: unknown) => T): Promise<PeerOutcome<T>> {
    if (this.#closed) return { outcome: 'silent', error: abortError(undefined) };
    const startedAt = performance.now();
    let raw = await this.#send(exchange, exchange.deadline);
    if ('error' in raw && raw.error.code === 'ECONNRESET' && !this.#closed) {
      // A kept connection that the other end had closed when the request was written, or the backlog of a process
      // that was dying. Another connection tells whether anybody is there; every peer call is idempotent.
      const left = exchange.deadline - (performance.now() - startedAt);
      if (left > 0) raw = await this.#send(exchange, left);
    }
    if ('error' in raw) return failure(raw.error);
    return decodeAnswer(raw.status, raw.text, decode);
  }

  /** Never rejects: what cannot even be begun (a CA that is no PEM) is an error like others. */
  async #send(exchange: Exchange, timeout: number): Promise<Raw> {
    try {
      return await this.#exchange(exchange, timeout);
    } catch (error) {
      return { error: new PeerRequestError(error) };
    }
  }

  #exchange(exchange: Exchange, timeout: number): Promise<Raw> {
    const { method, path, signal } = exchange;
    const body = exchange.body === undefined ? null : JSON.stringify(exchange.body);
    const tls = this.#options.tls();
    const { promise, resolve } = Promise.withResolvers<Raw>();
    const request = (tls === null ? http : https).request({
      host: this.#options.host,
      port: this.#options.port,
      ...(tls !== null && this.#options.serverName !== undefined
        ? { servername: this.#options.serverName }
        : {}),
      method,
      path,
      agent: this.#agentFor(tls),
      headers: this.#headers(body),
    });
    let givenUp: Error | null = null;
    const give = (error: Error): void => {
      givenUp ??= error;
      if (request.socket !== null) this.#dropped.add(request.socket);
      request.destroy(error);
    };
    const timer = setTimeout(() => give(new PeerTimeoutError(exchange.deadline)), timeout);
    const onAbort = (): void => give(abortError(signal));
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });

    const settle = (raw: Raw): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(raw);
    };
    const fail = (error: NodeJS.ErrnoException): void => settle({ error: givenUp ?? error });
    request.on('error', fail);
    request.on('socket', (socket) => this.#watch(socket));
    request.on('response', (response) => {
      let text = '';
      if (response.headers.connection === 'close') this.#dropped.add(response.socket);
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_LIMIT) give(new PeerAnswerError('answer', `at most ${ANSWER_LIMIT} bytes`));
      });
      response.on('error', fail);
      response.on('end', () => settle({ status: response.statusCode ?? 0, text }));
    });
    request.end(body ?? undefined);
    return promise;
  }

  #headers(body: string | null): http.OutgoingHttpHeaders {
    const headers: http.OutgoingHttpHeaders = { accept: 'application/json' };
    const token = this.#options.token();
    if (token !== null) headers.authorization = `Bearer ${token}`;
    if (body !== null) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    return headers;
  }

  #agentFor(tls: PeerTls | null): http.Agent {
    if (this.#agent !== null && this.#tls === tls) return this.#agent;
    this.#agent?.destroy();
    // A second connection is only opened while the first one waits for an answer (a promise next to a ping).
    const options = { keepAlive: true, maxSockets: 4, maxFreeSockets: 4, noDelay: true };
    this.#agent =
      tls === null
        ? new http.Agent(options)
        : new https.Agent({
            ...options,
            ca: tls.ca,
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            minVersion: 'TLSv1.2',
          });
    this.#tls = tls;
    return this.#agent;
  }

  /**
   * Reports a connection that the other side closed: one that was made, and that this side had no reason to close.
   * Looked at when it is closed: Node does not tell a FIN of an idle connection by 'end'.
   */
  #watch(socket: Socket): void {
    const { onClosed } = this.#options;
    if (onClosed === undefined || this.#watched.has(socket)) return;
    this.#watched.add(socket);
    const agent = this.#agent;
    let established = !socket.connecting;
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => (established = true));
    socket.once('timeout', () => this.#dropped.add(socket)); // Idle for longer than the server's keep-alive hint.
    socket.once('close', () => {
      // Another agent now: this side closed it (`close`, or new TLS material).
      if (established && !this.#dropped.has(socket) && this.#agent === agent) onClosed();
    });
  }
}

function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new DOMException('the call was given up', 'AbortError');
}

function failure(error: NodeJS.ErrnoException): PeerOutcome<never> {
  if (error instanceof PeerAnswerError || error instanceof PeerRequestError)
    return { outcome: 'fault', error };
  const kind = classifyFailure(error);
  if (kind === 'refused') return { outcome: 'refused' };
  if (kind === 'silent') return { outcome: 'silent', error };
  const message = `no exchange with the peer: ${error.message}`;
  const remedy =
    'Check that both members have the same CA, and that the certificate carries the name of the peer.';
  return { outcome: 'fault', error: new HttpError('PEER_TLS', message, remedy, { cause: error }) };
}

function decodeAnswer<T>(status: number, text: string, decode: (json: unknown) => T): PeerOutcome<T> {
  if (status < 200 || status > 299) {
    return { outcome: 'fault', error: new PeerStatusError(status, text.slice(0, 200)) };
  }
  try {
    return { outcome: 'answered', value: decode(text === '' ? null : JSON.parse(text)) };
  } catch (error) {
    if (error instanceof PeerAnswerError) return { outcome: 'fault', error };
    return { outcome: 'fault', error: new PeerAnswerError('answer', 'JSON') };
  }
}
