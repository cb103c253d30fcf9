import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../simulation/engine/random.ts';

/** What the way to the API does to one member's requests. */
export type GateMode =
  | { readonly kind: 'pass' }
  /** Refuses connections, as an API server that is gone. */
  | { readonly kind: 'down' }
  /** Takes requests and never answers. */
  | { readonly kind: 'silent' }
  /** Every request waits so long before it is passed on. */
  | { readonly kind: 'slow'; readonly millis: number }
  /** Answers a share of the requests with one of these statuses, without passing them on. */
  | { readonly kind: 'storm'; readonly statuses: readonly number[]; readonly share: number }
  /** Passes a share of the writes on and then loses the reply: the change took effect. */
  | { readonly kind: 'lose-replies'; readonly share: number }
  /** Watches stay open and tell nothing; all else passes. */
  | { readonly kind: 'stall-watches' };

const REASONS: Readonly<Record<number, string>> = {
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
};

/**
 * A real HTTP proxy between one member and the embedded API, which does what the mode says. A change of mode ends the
 * connections there are, but for `slow` and `storm`.
 */
export class ApiGate implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    this.#pass(request, response).catch(() => response.destroy());
  });
  readonly #sockets = new Set<Socket>();
  readonly #api: { readonly host: string; readonly port: number };
  readonly #random: Random;
  #mode: GateMode = { kind: 'pass' };
  #address = { host: '', port: 0 };

  private constructor(api: { host: string; port: number }, random: Random) {
    this.#api = api;
    this.#random = random;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async open(
    host: string,
    api: { readonly host: string; readonly port: number },
    random: Random,
  ): Promise<ApiGate> {
    const gate = new ApiGate(api, random);
    await gate.#listen(host, 0);
    gate.#address = { host, port: (gate.#server.address() as AddressInfo).port };
    return gate;
  }

  get url(): string {
    return `http://${this.#address.host}:${this.#address.port}`;
  }

  async become(mode: GateMode): Promise<void> {
    const was = this.#mode;
    this.#mode = mode;
    if (mode.kind === 'down') await this.#close();
    else if (was.kind === 'down') await this.#listen(this.#address.host, this.#address.port);
    if (mode.kind !== 'slow' && mode.kind !== 'storm') this.#hangUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#hangUp();
    return closed;
  }

  #hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const mode = this.#mode;
    const isWatch = request.url?.includes('watch=') === true;
    const isWrite = request.method !== 'GET';
    switch (mode.kind) {
      case 'silent':
        return;
      case 'slow':
        await sleep(mode.millis);
        break;
      case 'storm':
        if (!this.#random.chance(mode.share)) break;
        request.resume();
        refuse(response, this.#random.pick(mode.statuses));
        return;
      case 'stall-watches':
        if (!isWatch) break;
        // The head, as of a watch that began; nothing follows.
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        return;
      default:
    }
    const isLost = mode.kind === 'lose-replies' && isWrite && this.#random.chance(mode.share);
    this.#forward(request, response, isLost);
  }

  #forward(request: IncomingMessage, response: ServerResponse, isLost: boolean): void {
    const onward = httpRequest(
      { ...this.#api, method: request.method, path: request.url, headers: request.headers },
      (answer) => {
        if (isLost) {
          answer.resume();
          answer.on('end', () => response.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        // A watch that has nothing to tell yet has begun all the same.
        response.flushHeaders();
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}

function refuse(response: ServerResponse, code: number): void {
  const reason = REASONS[code] ?? 'Unknown';
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(code === 429 ? { 'retry-after': '1' } : {}),
  });
  const message = `injected: ${reason}`;
  response.end(
    JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code }),
  );
}
