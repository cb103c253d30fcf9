import { randomInt } from 'node:crypto';
import { execa } from 'execa';

/** One machine of the little network. */
export interface Host {
  /** The network namespace: for `ip netns exec`. */
  readonly namespace: string;
  readonly address: string;
  /** The end of its cable that is plugged into the bridge. */
  readonly plug: string;
}

const ip = (...args: readonly string[]) => execa('ip', args);

/** Why there can be no network namespaces here; null: they can be had. */
export async function whyNoNamespaces(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `pgwb-${process.pid}-try`;
  try {
    await ip('netns', 'add', name);
    await ip('netns', 'del', name);
    await ip('link', 'add', name.slice(0, 15), 'type', 'bridge');
    await ip('link', 'del', name.slice(0, 15));
    return null;
  } catch (error) {
    const { shortMessage, message } = error as { shortMessage?: string; message: string };
    return `no network namespaces here: ${shortMessage ?? message}`;
  }
}

/**
 * Hosts in network namespaces of their own, each on a cable to one bridge; this process is at the bridge's own
 * address. A cut takes the cable out of the bridge: both ends keep their carrier, and packets vanish.
 */
export class Network implements AsyncDisposable {
  /** Of this process, as the hosts see it. */
  readonly address: string;
  readonly hosts: readonly Host[];
  /** The interface of this process; all plugs are in it. */
  readonly bridge: string;

  private constructor(bridge: string, address: string, hosts: readonly Host[]) {
    this.bridge = bridge;
    this.address = address;
    this.hosts = hosts;
  }

  static async create(count: number): Promise<Network> {
    const id = randomInt(0x10000).toString(16).padStart(4, '0');
    const subnet = `10.${randomInt(200, 250)}.${randomInt(250)}`;
    const hosts = Array.from({ length: count }, (_, index) => ({
      namespace: `pgwb${id}-${index}`,
      address: `${subnet}.${index + 10}`,
      plug: `pgwb${id}p${index}`,
    }));
    const network = new Network(`pgwb${id}`, `${subnet}.1`, hosts);
    try {
      await network.#build();
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #build(): Promise<void> {
    await ip('link', 'add', this.bridge, 'type', 'bridge');
    await this.#pass('-I');
    await ip('addr', 'add', `${this.address}/24`, 'dev', this.bridge);
    await ip('link', 'set', this.bridge, 'up');
    for (const { namespace, address, plug } of this.hosts) {
      await ip('netns', 'add', namespace);
      await ip('link', 'add', plug, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      await ip('link', 'set', plug, 'up');
      await this.#plugIn(plug);
    }
  }

  /**
   * Docker has bridged packets go through its firewall, which drops what it does not know (br_netfilter, policy DROP of
   * FORWARD): an exception for whatever interface bears this network's name. Nothing where there is no iptables.
   */
  async #pass(verb: '-I' | '-D'): Promise<void> {
    const own = `${this.bridge}+`;
    await execa('iptables', ['-w', verb, 'FORWARD', '-i', own, '-o', own, '-j', 'ACCEPT'], { reject: false });
  }

  async cut({ plug }: Host): Promise<void> {
    await ip('link', 'set', plug, 'nomaster');
  }

  async mend({ plug }: Host): Promise<void> {
    await this.#plugIn(plug);
  }

  async #plugIn(plug: string): Promise<void> {
    await ip('link', 'set', plug, 'master', this.bridge);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The namespace takes its end of the cable with it.
    for (const { namespace } of this.hosts) await execa('ip', ['netns', 'del', namespace], { reject: false });
    await execa('ip', ['link', 'del', this.bridge], { reject: false });
    await this.#pass('-D');
  }
}
