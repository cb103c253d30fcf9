import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Host, Network } from '../../bench/namespaces.ts';
import { missingPart } from './errors.ts';

/** An address that no interface has: what is sent to it is delivered to nobody. */
const NOBODY = '02:00:00:00:de:ad';

export interface Weather {
  readonly delayMillis: number;
  readonly jitterMillis: number;
  /** 0 to 1, each way. */
  readonly loss: number;
}

const ip = (...args: readonly string[]) => execa('ip', args);

/**
 * Members in network namespaces, on cables to one bridge. Full cuts take the cable out of the bridge; one-way and
 * partial ones give the sender a wrong hardware address for the receiver, so that its packets vanish and it learns
 * nothing; a bottleneck is a token bucket (tc-tbf) on the cable; a bad cable is `wire.pl` in the middle of it (the
 * netem of tc needs a kernel module that many hosts lack).
 */
export class FaultNetwork implements AsyncDisposable {
  readonly #network: Network;
  readonly #members: readonly string[];
  readonly #wires = new Map<string, ChildProcess>();

  private constructor(network: Network, members: readonly string[]) {
    this.#network = network;
    this.#members = members;
  }

  static async create(members: readonly string[]): Promise<FaultNetwork> {
    return new FaultNetwork(await Network.create(members.length), members);
  }

  /** Of clients and of the API, as the members see them. */
  get address(): string {
    return this.#network.address;
  }

  host(member: string): Host {
    const host = this.#network.hosts[this.#members.indexOf(member)];
    if (host === undefined) throw missingPart(`host of ${member}`);
    return host;
  }

  cut(member: string): Promise<void> {
    return this.#network.cut(this.host(member));
  }

  mend(member: string): Promise<void> {
    return this.#network.mend(this.host(member));
  }

  /** Packets of `from` no longer reach `to`; null: the clients and the API. The other way they do. */
  async silence(from: string | null, to: string | null): Promise<void> {
    await this.#neighbour('replace', from, to, ['lladdr', NOBODY, 'nud', 'permanent']);
  }

  async unsilence(from: string | null, to: string | null): Promise<void> {
    await this.#neighbour('del', from, to, []);
  }

  async #neighbour(
    verb: string,
    from: string | null,
    to: string | null,
    words: readonly string[],
  ): Promise<void> {
    const address = to === null ? this.#network.address : this.host(to).address;
    if (from === null) {
      await ip('neigh', verb, address, ...words, 'dev', this.#network.bridge);
      return;
    }
    await ip('-n', this.host(from).namespace, 'neigh', verb, address, ...words, 'dev', 'eth0');
  }

  /** The member sends and receives no more than so many kilobits a second. */
  async narrow(member: string, kilobits: number): Promise<void> {
    const { namespace, plug } = this.host(member);
    const bucket = ['root', 'tbf', 'rate', `${kilobits}kbit`, 'burst', '16kb', 'latency', '400ms'];
    await execa('tc', ['qdisc', 'replace', 'dev', plug, ...bucket]);
    await execa('tc', ['-n', namespace, 'qdisc', 'replace', 'dev', 'eth0', ...bucket]);
  }

  async widen(member: string): Promise<void> {
    const { namespace, plug } = this.host(member);
    await execa('tc', ['qdisc', 'del', 'dev', plug, 'root'], { reject: false });
    await execa('tc', ['-n', namespace, 'qdisc', 'del', 'dev', 'eth0', 'root'], { reject: false });
  }

  /** Replaces the member's cable by one that is slow and loses packets. */
  async spoil(member: string, { delayMillis, jitterMillis, loss }: Weather): Promise<void> {
    const { plug } = this.host(member);
    const { side, near, far } = partsOf(plug);
    const script = join(import.meta.dirname, 'wire.pl');
    const wire = spawn('perl', [script, near, far, String(delayMillis), String(jitterMillis), String(loss)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#wires.set(member, wire);
    await Promise.race([
      once(wire.stdout, 'data'),
      once(wire, 'exit').then(() => Promise.reject(missingPart(`wire for ${member}: it ended`))),
    ]);
    await ip('link', 'add', side, 'type', 'bridge');
    for (const link of [side, near, far]) await ip('link', 'set', link, 'up');
    await ip('link', 'set', near, 'master', side);
    await ip('link', 'set', far, 'master', this.#network.bridge);
    await ip('link', 'set', plug, 'master', side);
  }

  async unspoil(member: string): Promise<void> {
    await this.mend(member);
    const wire = this.#wires.get(member);
    this.#wires.delete(member);
    if (wire !== undefined) {
      const ended = once(wire, 'exit');
      wire.kill('SIGTERM');
      await ended;
    }
    // The taps went with the process.
    await execa('ip', ['link', 'del', partsOf(this.host(member).plug).side], { reject: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of [...this.#wires.keys()]) await this.unspoil(member);
    await this.#network[Symbol.asyncDispose]();
  }
}

/** Names of at most 15 characters (IFNAMSIZ), after the cable's. */
function partsOf(plug: string): { side: string; near: string; far: string } {
  return { side: `${plug}s`, near: `${plug}n`, far: `${plug}f` };
}
