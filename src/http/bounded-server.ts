import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { type Millis, millis } from '../ha/units.ts';

/** What no client may exceed, however slow or hostile. */
export interface ServerLimits {
  /** Open connections; the next one is closed at once. */
  readonly connections: number;
  /** Open connections of one remote address: one client cannot use up all of them. */
  readonly connectionsPerAddress: number;
  /** Until the headers are complete, counted from the connection or the first byte. */
  readonly headersTimeout: Millis;
  /** Until the whole request is there. */
  readonly requestTimeout: Millis;
  /** Between two requests of a connection. */
  readonly keepAliveTimeout: Millis;
  /** Without any byte in either direction: a client that does not read its answer. */
  readonly idleTimeout: Millis;
  readonly handshakeTimeout: Millis;
  /** Bytes of request line and headers together. */
  readonly headerBytes: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  connections: 512,
  connectionsPerAddress: 128,
  headersTimeout: millis(5000),
  requestTimeout: millis(10_000),
  keepAliveTimeout: millis(20_000),
  idleTimeout: millis(30_000),
  handshakeTimeout: millis(5000),
  headerBytes: 8192,
};

/** Why a connection was refused or cut. */
export type DropReason = 'limit' | 'slow' | 'pipelining' | 'malformed';

export interface ServerEvents {
  onDropped(reason: DropReason): void;
  onConnections(open: number): void;
}

/** Answers to what is no request, by the error of Node's parser. Written as they are: there is no response object. */
const CLIENT_ERRORS: Readonly<Record<string, readonly [string, DropReason]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'slow'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'malformed'],
};

/**
 * A node:http or node:https server that keeps its limits. One request at a time on a connection: pipelined requests
 * are parsed in one go, so that a single packet could hold up the loop with hundreds of them, and no load balancer,
 * scraper or agent pipelines.
 */
export class BoundedServer {
  readonly server: http.Server;
  readonly #events: ServerEvents;
  readonly #limits: ServerLimits;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  /** The last answer of each connection. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();
  /** Connections of which a request has been parsed in this turn of the loop: the next one came in the same packet. */
  readonly #thisTurn = new WeakSet<Socket>();
  #closing = false;

  constructor(
    handler: RequestListener,
    tls: SecureContextOptions | null,
    limits: ServerLimits,
    events: ServerEvents,
  ) {
    this.#events = events;
    this.#limits = limits;
    const options: http.ServerOptions = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.keepAliveTimeout,
      connectionsCheckingInterval: 1000,
      noDelay: true,
      insecureHTTPParser: false,
    };
    const listener: RequestListener = (request, response) => this.#serve(request, response, handler);
    this.server =
      tls === null
        ? http.createServer(options, listener)
        : https.createServer(
            // A client without a certificate may read; routes that change something ask for a valid one.
            {
              ...options,
              ...tls,
              requestCert: tls.ca !== undefined,
              rejectUnauthorized: false,
              handshakeTimeout: limits.handshakeTimeout,
            },
            listener,
          );
    this.server.maxConnections = limits.connections;
    this.server.timeout = limits.idleTimeout;
    this.server.on('connection', (socket: Socket) => this.#accept(socket));
    this.server.on('drop', () => events.onDropped('limit'));
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
      this.#reject(error, socket),
    );
    this.server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  }

  /** Whether a connection of this server. */
  owns(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** New connections get the new certificate; those that are open stay as they are. */
  replaceTls(options: SecureContextOptions): void {
    if (this.server instanceof https.Server) this.server.setSecureContext(options);
  }

  /** Accepts nothing new, lets requests under way end, and cuts what is left after `grace`. */
  async close(grace: Millis): Promise<void> {
    this.#closing = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    this.server.closeIdleConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, grace);
    await promise;
    clearTimeout(timer);
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const open = (this.#perAddress.get(address) ?? 0) + 1;
    // Unix sockets have no address; only their owner can open them.
    if (address !== '' && open > this.#limits.connectionsPerAddress) {
      this.#events.onDropped('limit');
      socket.destroy();
      return;
    }
    this.#perAddress.set(address, open);
    this.#sockets.add(socket);
    this.#events.onConnections(this.#sockets.size);
    socket.once('close', () => {
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
      this.#sockets.delete(socket);
      this.#events.onConnections(this.#sockets.size);
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse, handler: RequestListener): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const before = this.#answers.get(socket);
    // Not "finished": a client that has its answer may ask again before this process hears that it was sent.
    if (before !== undefined && (!before.writableEnded || this.#thisTurn.has(socket))) {
      this.#events.onDropped('pipelining');
      socket.destroy();
      return;
    }
    this.#answers.set(socket, response);
    this.#thisTurn.add(socket);
    queueMicrotask(() => this.#thisTurn.delete(socket));
    if (this.#closing) response.setHeader('connection', 'close');
    response.once('close', () => {
      // Its answer may have promised to keep the connection, before the end had begun.
      if (this.#closing) socket.end();
    });
    handler(request, response);
  }

  #reject(error: NodeJS.ErrnoException, socket: Socket): void {
    const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? ['400 Bad Request', 'malformed'];
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    // Data after an answer that closes the connection: the rest of a body that was refused.
    if (error.code !== 'HPE_CLOSED_CONNECTION') this.#events.onDropped(reason);
    // After an answer, these bytes would be taken for a part of it, or for the answer to something else.
    if (!this.#answers.has(socket)) {
      socket.write(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    }
    socket.destroySoon();
  }
}
