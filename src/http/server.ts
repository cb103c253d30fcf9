import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type Millis, millis } from '../ha/units.ts';
import { createApp } from './app.ts';
import { BoundedServer, DEFAULT_LIMITS, type DropReason, type ServerLimits } from './bounded-server.ts';
import { ListenError } from './errors.ts';
import type { HttpLog } from './http-log.ts';
import type { WorkMetrics } from './metrics-work.ts';
import type { AgentPort } from './ports.ts';
import { loadTls, type TlsFiles, type TlsMaterial, watchTls } from './tls-files.ts';
import { listenOnSocket } from './unix-socket.ts';

export interface HttpServerOptions {
  /** An address of this machine, or `0.0.0.0` or `::` for all. */
  readonly host: string;
  /** 0: any free one, told by `listening`. */
  readonly port: number;
  /** Null: no Unix socket. */
  readonly socketPath: string | null;
  /** Null: plain HTTP. The Unix socket is always plain. */
  readonly tls: TlsFiles | null;
  /** The bearer token of the cluster; asked for at each call, so that it may rotate. */
  readonly token: () => string | null;
  /** Told of requests and connections. */
  readonly metrics?: Pick<WorkMetrics, 'httpRequest' | 'httpConnections' | 'httpDropped'>;
  /** Called before a scrape is rendered: sets gauges from the last observation, waits for nothing. */
  readonly refreshMetrics?: () => void;
  /** Metrics that are not in the registry, in Prometheus's text format; waits for nothing. */
  readonly moreMetrics?: () => string;
  readonly log?: HttpLog;
  readonly limits?: Partial<ServerLimits>;
  /** The longest that a promise may take; default 5 s. */
  readonly promiseTimeout?: Millis;
  /** How long requests under way may take once the server ends; default 1 s. */
  readonly closeTimeout?: Millis;
  /** How often the TLS files are looked at; default 5 s. */
  readonly tlsInterval?: Millis;
}

/** Where the server can be reached. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  readonly https: boolean;
  readonly socketPath: string | null;
}

/** The agent's HTTP server: the same routes on a TCP address and on a Unix socket. */
export class HttpServer {
  readonly #port: AgentPort;
  readonly #options: HttpServerOptions;
  readonly #ready = Promise.withResolvers<HttpAddress>();

  constructor(port: AgentPort, options: HttpServerOptions) {
    this.#port = port;
    this.#options = options;
    this.#ready.promise.catch(() => undefined); // `run` throws the same error.
  }

  /** Fulfilled once both addresses are listened on; rejected with the error of `run`. */
  get listening(): Promise<HttpAddress> {
    return this.#ready.promise;
  }

  /**
   * Serves until `signal` ends it; then takes nothing new and returns once requests under way have ended, after
   * `closeTimeout` at the latest.
   *
   * @throws ListenError, SocketInUseError, SocketPathError, TlsFilesError when it cannot start
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#run(signal);
    } catch (error) {
      this.#ready.reject(error);
      throw error;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { host, port, socketPath, tls, limits } = this.#options;
    const material = tls === null ? null : await loadTls(tls);
    await using cleanup = new AsyncDisposableStack();
    const bounds = { ...DEFAULT_LIMITS, ...limits };
    const grace = this.#options.closeTimeout ?? millis(1000);
    const open = { tcp: 0, local: 0 };
    const events = (kind: keyof typeof open) => ({
      onDropped: (reason: DropReason) => this.#options.metrics?.httpDropped(reason),
      onConnections: (count: number) => {
        open[kind] = count;
        this.#options.metrics?.httpConnections(open.tcp + open.local);
      },
    });
    let app: FastifyInstance | null = null;
    const local = new BoundedServer(
      (request, response) => app?.routing(request, response),
      null,
      bounds,
      events('local'),
    );
    const remote = new BoundedServer(
      (request, response) => app?.routing(request, response),
      material?.options ?? null,
      bounds,
      events('tcp'),
    );
    app = this.#createApp(local);
    await app.ready();

    const closers: (() => Promise<void>)[] = [];
    cleanup.defer(async () => void (await app.close()));
    cleanup.defer(async () => void (await Promise.all(closers.map((close) => close()))));
    const address = await listenOnTcp(remote, host, port);
    closers.push(() => remote.close(grace));
    if (socketPath !== null) {
      const removeSocket = await listenOnSocket(local.server, socketPath);
      closers.push(() => local.close(grace), removeSocket);
    }
    this.#ready.resolve({ host: address.address, port: address.port, https: material !== null, socketPath });
    this.#log('info', 'http.listening', {
      host: address.address,
      port: address.port,
      https: tls !== null,
      socketPath,
    });

    const watching =
      tls === null || material === null ? Promise.resolve() : this.#watchTls(remote, tls, material, signal);
    // A file system that hangs must not hold up the end.
    await Promise.race([aborted(signal), watching.then(() => aborted(signal))]);
  }

  #createApp(local: BoundedServer): FastifyInstance {
    return createApp(this.#port, {
      policy: {
        token: this.#options.token,
        clientCertificate: this.#options.tls?.clientCa !== undefined,
        isLocal: (request) => local.owns(request.raw.socket),
      },
      promiseTimeout: this.#options.promiseTimeout ?? millis(5000),
      refreshMetrics: this.#options.refreshMetrics ?? (() => undefined),
      ...(this.#options.moreMetrics === undefined ? {} : { moreMetrics: this.#options.moreMetrics }),
      onRequest: (sample) => this.#options.metrics?.httpRequest(sample),
      log: (level, event, details) => this.#log(level, event, details),
    });
  }

  #watchTls(server: BoundedServer, files: TlsFiles, loaded: TlsMaterial, signal: AbortSignal): Promise<void> {
    const handlers = {
      onChange: (options: TlsMaterial['options']) => {
        server.replaceTls(options);
        this.#log('info', 'http.tls.reloaded', { certificate: files.certificate });
      },
      onError: (error: Error) => this.#log('error', 'http.tls.rejected', { error }),
    };
    return watchTls(files, loaded, handlers, signal, this.#options.tlsInterval);
  }

  #log(...[level, event, details]: Parameters<HttpLog>): void {
    this.#options.log?.(level, event, details);
  }
}

function listenOnTcp({ server }: BoundedServer, host: string, port: number): Promise<AddressInfo> {
  const { promise, resolve, reject } = Promise.withResolvers<AddressInfo>();
  const onError = (error: NodeJS.ErrnoException): void => reject(new ListenError(host, port, error));
  server.once('error', onError);
  server.listen({ host, port, backlog: 256 }, () => {
    server.off('error', onError);
    resolve(server.address() as AddressInfo);
  });
  return promise;
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
