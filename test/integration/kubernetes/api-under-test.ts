import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedApi } from '../../../src/demo/api/embedded-api.ts';
import { ApiClient, type ApiClientOptions } from '../../../src/kubernetes/client.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { type EndpointSource, explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { obtainApiServer, type RealApiServer } from '../../kube/api-server.ts';
import { CuttableNetwork } from './cuttable-network.ts';

/** An API server behind a network that a test may cut. */
export class ApiUnderTest implements AsyncDisposable {
  readonly network: CuttableNetwork;
  readonly #source: EndpointSource;
  readonly #clients: ApiClient[] = [];
  readonly #end: () => Promise<void>;

  /** The real server, where it is one. */
  readonly server: RealApiServer | null;

  constructor(
    source: EndpointSource,
    network: CuttableNetwork,
    server: RealApiServer | null,
    end: () => Promise<void>,
  ) {
    this.server = server;
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

/** An API server to test with, or why there is none. */
export type Opened =
  | { readonly api: ApiUnderTest; readonly reason: null }
  | { readonly api: null; readonly reason: string };

/** The embedded API; it keeps few changes, so that a watch soon lies too far behind. */
export async function openEmbedded(): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'pgwarden-api-'));
  const stop = new AbortController();
  const embedded = new EmbeddedApi({ directory, host: '127.0.0.1', port: 0, history: 20 });
  const running = embedded.run(stop.signal);
  const { url } = await embedded.ready;
  const source = explicitSource({ server: url });
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
    await rm(directory, { recursive: true });
  };
  const network = await CuttableNetwork.before(source.server);
  return { api: new ApiUnderTest(source, network, null, end), reason: null };
}

/** A real kube-apiserver. */
export async function openReal(): Promise<Opened> {
  const { server, reason } = await obtainApiServer();
  if (server === null) return { api: null, reason };
  const { ca, cert, key, token, server: url } = server.configuration;
  const source: EndpointSource = {
    server: new URL(url),
    namespace: null,
    load: async () => ({
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      tls: { ca, cert, key, servername: null, rejectUnauthorized: true },
    }),
  };
  const network = await CuttableNetwork.before(source.server);
  return {
    api: new ApiUnderTest(source, network, server, async () => await server[Symbol.asyncDispose]()),
    reason: null,
  };
}
