import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

/** A TCP relay in front of an API server: a test cuts, refuses or swallows what goes through. */
export class CuttableNetwork implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #refusing = false;
  #swallowing = false;
  connections = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async before(server: URL): Promise<CuttableNetwork> {
    const port = Number(server.port) || (server.protocol === 'https:' ? 443 : 80);
    const network = new CuttableNetwork({ host: server.hostname, port });
    await new Promise<void>((resolve) => network.#server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection, and each new one while `refuse`. */
  cut(refuse = false): void {
    this.#refusing = refuse;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on no byte arrives in either direction, and nobody is told. */
  swallow(): void {
    this.#swallowing = true;
  }

  /** Lets new connections through again; those from before stay dead. */
  heal(): void {
    this.cut();
    this.#swallowing = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut(true);
    await closed;
  }

  #relay(client: Socket): void {
    this.connections += 1;
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = tcpConnect(this.#target);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (!this.#swallowing) to.write(bytes);
      });
    }
  }
}
