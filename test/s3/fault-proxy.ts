import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the proxy does to a request; null: passes it on. */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** The answer's body is cut after so many bytes. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** The answer's body comes in pieces of so many bytes, one every few milliseconds. */
  | { readonly kind: 'drip'; readonly bytes: number }
  /** Neither passed on nor answered, until the fault is over: then the connection is closed. */
  | { readonly kind: 'hang' }
  /** So many bytes of the request's body are passed on, and no more: it is not answered until the proxy ends. */
  | { readonly kind: 'hold'; readonly bytes: number }
  /** The Date of every answer is off by so many milliseconds. */
  | { readonly kind: 'clock'; readonly ahead: number };

const DRIP_EVERY = 5;

/** A client that has enough goes away in the middle. */
async function drip(answer: IncomingMessage, outgoing: ServerResponse, bytes: number): Promise<void> {
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      for (let at = 0; at < piece.length && !outgoing.destroyed; at += bytes) {
        outgoing.write(piece.subarray(at, at + bytes));
        await sleep(DRIP_EVERY);
      }
    }
    outgoing.end();
  } catch {
    outgoing.destroy();
  }
}

/** A proxy before an S3 server that makes what goes wrong in real ones. */
export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly requests: { readonly method: string; readonly path: string }[] = [];
  #fault: (method: string, path: string) => Fault | null = () => null;
  readonly #hanging = new Set<IncomingMessage>();
  #holding = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing));
  }

  static async start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on; what hangs is let go. */
  fail(fault: Fault | null | ((method: string, path: string) => Fault | null)): void {
    this.#fault = typeof fault === 'function' ? fault : () => fault;
    for (const incoming of this.#hanging) incoming.socket.destroy();
    this.#hanging.clear();
  }

  /** How many requests are held with what they are let send passed on. */
  get holding(): number {
    return this.#holding;
  }

  /** How many requests hang now. */
  get hanging(): number {
    return this.#hanging.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #hold(incoming: IncomingMessage, passed: ClientRequest, bytes: number): void {
    let left = bytes;
    incoming.on('data', (piece: Buffer) => {
      if (left === 0) return;
      const some = piece.subarray(0, left);
      left -= some.length;
      passed.write(some, () => {
        if (left === 0) this.#holding += 1;
      });
    });
    // The client is dead, and so is its connection to the server.
    incoming.on('close', () => passed.destroy());
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url = '/' } = incoming;
    this.requests.push({ method, path: url });
    const fault = this.#fault(method, url);
    if (fault?.kind === 'hang') {
      incoming.resume();
      this.#hanging.add(incoming);
      return;
    }
    if (fault?.kind === 'answer') {
      incoming.resume();
      incoming.on('end', () => {
        outgoing.writeHead(fault.status, { 'content-type': 'application/xml' });
        outgoing.end(
          `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>as told</Message></Error>`,
        );
      });
      return;
    }
    // The signature covers the Host header: it goes on as it came.
    const passed = request({
      port: this.#target,
      host: '127.0.0.1',
      method,
      path: url,
      headers: incoming.headers,
    });
    if (fault?.kind === 'hold') this.#hold(incoming, passed, fault.bytes);
    else incoming.pipe(passed);
    passed.on('error', () => outgoing.destroy());
    passed.on('response', (answer) => {
      const headers = { ...answer.headers };
      if (fault?.kind === 'clock') headers.date = new Date(Date.now() + fault.ahead).toUTCString();
      outgoing.writeHead(answer.statusCode ?? 500, headers);
      if (fault?.kind === 'drip') {
        void drip(answer, outgoing, fault.bytes);
        return;
      }
      if (fault?.kind !== 'truncate') {
        answer.pipe(outgoing);
        return;
      }
      let left = fault.bytes;
      answer.on('data', (piece: Buffer) => {
        const some = piece.subarray(0, left);
        left -= some.length;
        // The bytes are on their way before the connection goes.
        outgoing.write(some, () => {
          if (left === 0) outgoing.destroy();
        });
      });
      answer.on('end', () => outgoing.end());
    });
  }
}
