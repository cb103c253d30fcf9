import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ApiClient, type ApiClientOptions } from '../../../src/kubernetes/client.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

type Handler = (received: Received, response: ServerResponse) => void;

/** A real HTTP server whose every answer a test decides. */
export class ScriptedServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly requests: Received[] = [];
  connections = 0;
  handler: Handler = (_, response) => json(response, 200, {});

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  async client(options: ApiClientOptions = {}): Promise<ApiClient> {
    return new ApiClient(await this.endpoint(), options);
  }

  async endpoint(): Promise<ApiEndpoint> {
    return await ApiEndpoint.open(explicitSource({ server: this.url }), { log: silentLogger });
  }

  /** Breaks every connection, as a crashed server does. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', this.url);
    const received: Received = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(received);
    this.handler(received, response);
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** A Status object as kube-apiserver writes it. */
export function failure(response: ServerResponse, code: number, reason: string, name = 'pg'): void {
  json(response, code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${reason} of ${name}`,
    reason,
    details: { name, group: 'coordination.k8s.io', kind: 'leases' },
    code,
  });
}
