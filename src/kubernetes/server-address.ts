import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';

/**
 * The addresses of the server's host, resolved ahead of the calls: the resolver (libuv's thread pool, and the
 * network) may stall, and no call waits for it.
 */
export class ServerAddress {
  readonly #host: string;
  #addresses: readonly { readonly address: string; readonly family: number }[] = [];

  constructor(server: URL) {
    this.#host = server.hostname.replace(/^\[|\]$/g, '');
  }

  get host(): string {
    return this.#host;
  }

  /** An IP address needs no resolver. */
  get isLiteral(): boolean {
    return isIP(this.#host) !== 0;
  }

  get isKnown(): boolean {
    return this.isLiteral || this.#addresses.length > 0;
  }

  /** Asks the resolver anew; what was known stays when it fails. */
  async resolve(): Promise<void> {
    if (this.isLiteral) return;
    const found = await lookup(this.#host, { all: true });
    if (found.length > 0) this.#addresses = found;
  }

  /** Answers a connection from what is known, at once. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    const first = this.#addresses[0];
    if (first === undefined) {
      const error = Object.assign(new Error(`the address of ${hostname} is not known yet`), {
        code: 'ENOTFOUND',
      });
      // A lookup must not answer before it has returned: the socket sets its listeners after that.
      process.nextTick(() => callback(error, '', 0));
    } else if (options.all) {
      process.nextTick(() => callback(null, [...this.#addresses]));
    } else {
      process.nextTick(() => callback(null, first.address, first.family));
    }
  };
}
