import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedApi, type EmbeddedApiOptions } from '../../../src/demo/api/embedded-api.ts';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';

/** An embedded API in this process, in a directory that lives as long. */
export class EmbeddedServer implements AsyncDisposable {
  readonly directory: string;
  readonly #options: Partial<EmbeddedApiOptions>;
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #url = '';

  private constructor(directory: string, options: Partial<EmbeddedApiOptions>) {
    this.directory = directory;
    this.#options = options;
  }

  static async start(options: Partial<EmbeddedApiOptions> = {}): Promise<EmbeddedServer> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'pgwarden-api-')));
    const server = new EmbeddedServer(directory, options);
    await server.#run();
    return server;
  }

  get configuration(): ClientConfiguration {
    return { server: this.#url, ca: null, cert: null, key: null, token: this.#options.token ?? null };
  }

  /** Ends it and starts it again on the same directory (and, given one, the same port). */
  async restart(): Promise<void> {
    await this.stop();
    await this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    this.#stop = new AbortController();
    const api = new EmbeddedApi({ directory: this.directory, host: '127.0.0.1', port: 0, ...this.#options });
    this.#running = api.run(this.#stop.signal);
    this.#url = (await Promise.race([api.ready, this.#running.then(() => api.ready)])).url;
  }
}
