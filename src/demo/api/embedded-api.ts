import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import {
  AddressUnavailableError,
  DirectoryAccessError,
  EmbeddedApiError,
  NotLoopbackError,
  PortInUseError,
} from './errors.ts';
import { Router } from './http/router.ts';
import { INITIAL_NAMESPACES, namespace } from './kinds/namespace.ts';
import { type ApiLogger, silentLogger } from './logger.ts';
import { create } from './operations/create.ts';
import { DirectoryLock } from './store/directory-lock.ts';
import { StateDirectory } from './store/state-directory.ts';
import { Store } from './store/store.ts';

export interface EmbeddedApiOptions {
  /** Where the objects are kept: made when absent, used by one process at a time. */
  readonly directory: string;
  /** A loopback address; any other needs a token. */
  readonly host: string;
  /** Zero: any free port. */
  readonly port: number;
  /** Clients must send it as a bearer token. Absent: every local user may do everything. */
  readonly token?: string;
  readonly logger?: ApiLogger;
  /** How many changes a watch or a paged list may lie behind before it gets a 410. */
  readonly history?: number;
  /** Size of the log, in bytes, after which it is replaced by a snapshot. */
  readonly compactAfter?: number;
}

export interface ApiAddress {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

const DEFAULT_HISTORY = 2_000;
const DEFAULT_COMPACT_AFTER = 4 * 1024 * 1024;
/** How long requests under way may take at the end, in milliseconds. */
const CLOSE_WITHIN = 2_000;
const SWEEP_EVERY = 10;
/** Idle connections are kept: a client that reuses one must not run into its end. In milliseconds. */
const KEEP_ALIVE = 10 * 60_000;

/**
 * The part of the Kubernetes API that pgwarden's agents use, in one process, kept on disk: Leases, Pods, Events,
 * ConfigMaps, Secrets and Namespaces, with the optimistic concurrency, watches and errors of the real server.
 */
export class EmbeddedApi {
  readonly #options: EmbeddedApiOptions;
  readonly #ready = Promise.withResolvers<ApiAddress>();
  #address: ApiAddress | null = null;

  constructor(options: EmbeddedApiOptions) {
    this.#options = options;
    this.#ready.promise.catch(() => undefined); // Told by run() too.
  }

  /** Resolves when requests are served; rejects when `run` fails before that. */
  get ready(): Promise<ApiAddress> {
    return this.#ready.promise;
  }

  /** Where requests are served; null before that, and after the end. */
  get address(): ApiAddress | null {
    return this.#address;
  }

  /**
   * Serves until `signal` ends it. When this returns, everything that was acknowledged is on disk and the directory
   * is free.
   * @throws EmbeddedApiError: it could not start, or the disk's state is no longer known.
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#run(signal);
      this.#ready.reject(signal.reason);
    } catch (error) {
      this.#ready.reject(error);
      throw error;
    } finally {
      this.#address = null;
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { host, port, token, logger = silentLogger } = this.#options;
    const directory = resolve(this.#options.directory);
    if (!isLoopback(host) && token === undefined) throw new NotLoopbackError(host);
    if (signal.aborted) return;
    // The port first: a taken one must leave the directory as it is.
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE, keepAliveTimeoutBuffer: 0 });
    const routing = Promise.withResolvers<Router>();
    routing.promise.catch(() => undefined);
    server.on('request', (request, response) => {
      // A client that comes while the store is being read waits for it.
      routing.promise.then(
        (router) => router.serve(request, response),
        () => response.destroy(),
      );
    });
    await listen(server, host, port);
    const ending = new AbortController();
    let lock: DirectoryLock | null = null;
    let store: Store | null = null;
    try {
      const state = await usable(directory, () => StateDirectory.prepare(directory));
      lock = await DirectoryLock.take(directory);
      store = await usable(directory, () => this.#open(state));
      routing.resolve(new Router({ store, token: token ?? null, logger, signal: ending.signal }));
      this.#announce(server, host, directory, logger);
      await Promise.race([aborted(signal), store.failure]);
    } finally {
      // Watches end first: the server's close waits for every response.
      ending.abort();
      routing.reject(signal.reason);
      await close(server);
      await store?.close();
      // Last, so that nobody opens files that are still written.
      lock?.release();
      logger.info({ event: 'api-stopped', directory }, 'The embedded API has stopped');
    }
  }

  #open(state: StateDirectory): Promise<Store> {
    const {
      history = DEFAULT_HISTORY,
      compactAfter = DEFAULT_COMPACT_AFTER,
      logger = silentLogger,
    } = this.#options;
    const onCompactionFailed = (error: Error): void => {
      logger.warn(
        { event: 'api-snapshot-failed', directory: state.path, err: error },
        'No snapshot could be taken',
      );
    };
    return Store.open(state, { history, compactAfter, onCompactionFailed }, (draft) => {
      for (const name of INITIAL_NAMESPACES) {
        const target = { kind: namespace, namespace: '', name: '' };
        create(draft, target, { kind: 'Namespace', apiVersion: 'v1', metadata: { name } }, Date.now());
      }
    });
  }

  #announce(server: Server, host: string, directory: string, logger: ApiLogger): void {
    const { port } = server.address() as AddressInfo;
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#address = { host, port, url };
    logger.info({ event: 'api-started', directory, url }, 'The embedded API serves');
    this.#ready.resolve(this.#address);
  }
}

const isLoopback = (host: string): boolean =>
  /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === 'localhost';

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new PortInUseError(host, port, error);
    throw new AddressUnavailableError(host, port, error as Error);
  }
}

/** Names the directory in whatever the file system refuses. */
async function usable<T>(directory: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof EmbeddedApiError) throw error;
    throw new DirectoryAccessError(directory, error as Error);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise;
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection whose last response has just ended is idle only now, and would be kept for the next request.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_EVERY);
  const insist = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN);
  await promise;
  clearInterval(sweep);
  clearTimeout(insist);
}
