import type { LookupFunction } from 'node:net';
import { type Millis, millis } from '../ha/units.ts';
import { type Clock, systemClock } from './clock.ts';
import type { EndpointSource, Material, TlsMaterial } from './endpoint-source.ts';
import type { Logger } from './log.ts';
import { ServerAddress } from './server-address.ts';
import { Wakeup } from './wakeup.ts';

/** A rotated token stays valid for a while beside the new one: the kubelet renews at 80 % of its life. */
const REFRESH: Millis = millis(30_000);
/** While the address is unknown, or after a 401, nothing works until the next look. */
const HASTY_REFRESH: Millis = millis(1_000);

export interface EndpointOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  readonly refreshEvery?: Millis;
}

/**
 * Where the API is and how to prove who we are, in memory: a call that is made with it touches neither the file
 * system nor DNS. `run` keeps it fresh; any number of clients share one.
 */
export class ApiEndpoint {
  readonly server: URL;
  readonly namespace: string | null;
  readonly #source: EndpointSource;
  readonly #address: ServerAddress;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #refreshEvery: Millis;
  readonly #wakeup = new Wakeup();
  #material: Material;

  private constructor(
    source: EndpointSource,
    address: ServerAddress,
    material: Material,
    options: EndpointOptions,
  ) {
    this.server = source.server;
    this.namespace = source.namespace;
    this.#source = source;
    this.#address = address;
    this.#material = material;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#refreshEvery = options.refreshEvery ?? REFRESH;
  }

  /**
   * Loads the proofs and resolves the host once. Throws EndpointConfigurationError where a proof is missing; a
   * resolver that fails is only logged, since `run` asks it again.
   */
  static async open(source: EndpointSource, options: EndpointOptions): Promise<ApiEndpoint> {
    const address = new ServerAddress(source.server);
    const endpoint = new ApiEndpoint(source, address, await source.load(), options);
    await endpoint.#resolve();
    return endpoint;
  }

  /** The host as a literal address or a name that `lookup` answers. */
  get host(): string {
    return this.#address.host;
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#material.headers;
  }

  /** The same object until the material changed. */
  get tls(): TlsMaterial {
    return this.#material.tls;
  }

  get lookup(): LookupFunction {
    return this.#address.lookup;
  }

  /** The server refused our proof (401): look soon whether there is a newer one. */
  proofRefused(): void {
    this.#wakeup.wake();
  }

  /** Looks for rotated tokens and certificates and changed addresses until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = this.#address.isKnown ? this.#refreshEvery : HASTY_REFRESH;
      const refused = await this.#wakeup.sleep(pause, signal);
      if (signal.aborted) return;
      await this.refresh();
      // Proofs that stay refused are not read again at every call.
      if (refused) await this.#clock.sleep(HASTY_REFRESH, signal);
    }
  }

  /** Looks now. What cannot be read stays as it was, and is logged. */
  async refresh(): Promise<void> {
    try {
      const next = await this.#source.load();
      if (!sameJson(next, this.#material)) {
        const tls = sameJson(next.tls, this.#material.tls) ? this.#material.tls : next.tls;
        this.#material = { headers: next.headers, tls };
        this.#log.info({ event: 'kubernetes.proof.rotated' }, 'The proof for the Kubernetes API was rotated');
      }
    } catch (error) {
      this.#log.warn(
        { event: 'kubernetes.proof.unreadable', err: error },
        'The proof for the Kubernetes API cannot be read again: the one in memory stays in use',
      );
    }
    await this.#resolve();
  }

  async #resolve(): Promise<void> {
    try {
      await this.#address.resolve();
    } catch (error) {
      this.#log.warn(
        { event: 'kubernetes.address.unresolved', host: this.host, err: error },
        'The host of the Kubernetes API cannot be resolved: what was known of it stays in use',
      );
    }
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
