import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedApi } from '../../../src/demo/api/embedded-api.ts';
import { ApiClient, type ApiClientOptions } from '../../../src/kubernetes/client.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { type EndpointSource, explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { kubeconfigSource } from '../../../src/kubernetes/kubeconfig.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { CuttableNetwork } from './cuttable-network.ts';

/** An API server behind a network that a test may cut. */
export class ApiUnderTest implements AsyncDisposable {
  readonly network: CuttableNetwork;
  readonly #source: EndpointSource;
  readonly #clients: ApiClient[] = [];
  readonly #end: () => Promise<void>;

  constructor(source: EndpointSource, network: CuttableNetwork, end: () => Promise<void>) {
    this.#source = source;
    this.network = network;
    this.#end = end;
  }

  /** A client through the network. */
  async client(options: ApiClientOptions = {}, headers: Record<string, string> = {}): Promise<ApiClient> {
    const server = new URL(this.#source.server);
    server.hostname = '127.0.0.1';
    server.port = String(this.network.port);
    const load = async (): ReturnType<EndpointSource['load']> => {
      const material = await this.#source.load();
      return { ...material, headers: { ...material.headers, ...headers } };
    };
    return await this.#open({ server, namespace: null, load }, options);
  }

  /** A client that no cut of the network reaches. */
  async direct(): Promise<ApiClient> {
    return await this.#open(this.#source, {});
  }

  async #open(source: EndpointSource, options: ApiClientOptions): Promise<ApiClient> {
    const client = new ApiClient(await ApiEndpoint.open(source, { log: silentLogger }), options);
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.network[Symbol.asyncDispose]();
    await this.#end();
  }
}

/** The embedded API; it keeps few changes, so that a watch soon lies too far behind. */
export async function embedded(): Promise<ApiUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'pgwarden-api-'));
  const stop = new AbortController();
  const api = new EmbeddedApi({ directory, host: '127.0.0.1', port: 0, history: 20 });
  const running = api.run(stop.signal);
  const { url } = await api.ready;
  const source = explicitSource({ server: url });
  return new ApiUnderTest(source, await CuttableNetwork.before(source.server), async () => {
    stop.abort();
    await running;
    await rm(directory, { recursive: true });
  });
}

/** A real API server, named by a kubeconfig. */
export async function real(kubeconfig: string): Promise<ApiUnderTest> {
  const source = await kubeconfigSource(kubeconfig);
  return new ApiUnderTest(source, await CuttableNetwork.before(source.server), async () => undefined);
}
