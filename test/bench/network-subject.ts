import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { childEnvironment } from '../../src/demo/child-environment.ts';
import { createDemo } from '../../src/demo/create.ts';
import { logFile, secretFile } from '../../src/demo/layout.ts';
import { APPLICATION_DATABASE, APPLICATION_USER } from '../../src/demo/member-config.ts';
import { isComplete, isProtected, observe, servingPrimary } from '../../src/demo/observe.ts';
import { ensurePods, waitForApi } from '../../src/demo/pods.ts';
import { processesIn, sendSignal } from '../../src/demo/processes.ts';
import type { Demo, DemoMember } from '../../src/demo/state.ts';
import { connectionUrl } from '../../src/demo/url.ts';
import { waitFor } from '../e2e/wait-for.ts';
import { type Host, Network } from './namespaces.ts';
import { Respawned } from './respawned.ts';
import type { RowId } from './rows.ts';
import type { Subject, Undo } from './subject.ts';

const MEMBERS = 3;
const START = 120_000;

/** What of a member's configuration is different on a network of its own. */
interface MemberConfiguration {
  postgres: { listenAddresses: string };
  advertise: { host: string };
  http: { listenHost: string };
  kubernetes: { server: string };
}

/**
 * The demo's members, each in a network namespace of its own: API and clients in the root namespace, over one bridge.
 * `demo` knows loopback only, so its directory is laid out by it, and the processes are started from here.
 */
export class NetworkSubject implements Subject {
  description = 'pgwarden in network namespaces';
  readonly url: string;
  readonly #root: string;
  readonly #demo: Demo;
  readonly #network: Network;
  readonly #programs: Respawned[] = [];

  private constructor(root: string, demo: Demo, network: Network, url: string) {
    this.#root = root;
    this.#demo = demo;
    this.#network = network;
    this.url = url;
  }

  static async start(): Promise<NetworkSubject> {
    const root = await mkdtemp(join(tmpdir(), 'pgwarden-bench-'));
    await chmod(root, 0o755);
    const demo = await createDemo({ dir: join(root, 'demo'), members: MEMBERS, portBase: null });
    const network = await Network.create(MEMBERS);
    const password = (await readFile(secretFile(demo.layout, 'application'), 'utf8')).trim();
    const hosts = demo.members.map(({ port }, index) => ({ host: hostOf(network, index).address, port }));
    const url = connectionUrl({ user: APPLICATION_USER, password, database: APPLICATION_DATABASE, hosts });
    const subject = new NetworkSubject(root, demo, network, url);
    try {
      await subject.#launch();
      await subject.waitUntilComplete();
      return subject;
    } catch (error) {
      const logs = await subject.logs();
      await subject[Symbol.asyncDispose]();
      throw new Error(`the cluster in namespaces did not start: ${(error as Error).message}\n${logs}`, {
        cause: error,
      });
    }
  }

  async #launch(): Promise<void> {
    const { layout, manifest, members } = this.#demo;
    const env = childEnvironment(process.env, layout.api);
    const node = process.execPath;
    const start = (command: string, args: readonly string[], name: string, extra: Record<string, string>) => {
      const program = new Respawned({
        command,
        args,
        env: { ...env, ...extra },
        logFile: logFile(layout, name),
      });
      program.up();
      this.#programs.push(program);
    };
    start(node, [layout.main, 'demo-api', '--dir', layout.dir], 'api', {});
    const forward = join(import.meta.dirname, 'forward.ts');
    start(node, [forward, this.#network.address, String(manifest.apiPort)], 'forward', {});
    const limit = AbortSignal.timeout(START);
    await waitForApi(manifest, limit);
    const pods = await ensurePods(manifest, limit);
    for (const [index, member] of members.entries()) {
      const host = hostOf(this.#network, index);
      await this.#configure(member, host);
      const run = ['netns', 'exec', host.namespace, node, layout.main, 'run', '--config', member.config];
      start('ip', run, member.name, {
        HOME: member.socketDirectory,
        POD_NAME: member.name,
        POD_NAMESPACE: manifest.namespace,
        POD_UID: pods.get(member.name) ?? '',
      });
    }
  }

  async #configure(member: DemoMember, { address }: Host): Promise<void> {
    const configuration = parse(await readFile(member.config, 'utf8')) as MemberConfiguration;
    configuration.postgres.listenAddresses = address;
    configuration.advertise.host = address;
    configuration.http.listenHost = address;
    configuration.kubernetes.server = `http://${this.#network.address}:${this.#demo.manifest.apiPort}`;
    await writeFile(member.config, stringify(configuration));
  }

  async primary(): Promise<string | null> {
    return servingPrimary(await observe(this.#demo))?.member ?? null;
  }

  changesPrimary(): boolean {
    return true;
  }

  async fault(row: RowId, primary: string): Promise<Undo> {
    if (row !== 'network') throw new TypeError(`${row} is measured on the demo`);
    const host = hostOf(
      this.#network,
      this.#demo.members.findIndex(({ name }) => name === primary),
    );
    await this.#network.cut(host);
    return () => this.#network.mend(host);
  }

  async waitUntilComplete(): Promise<void> {
    await waitFor(
      'one primary, everyone else streaming',
      async () => {
        const observations = await observe(this.#demo);
        return isComplete(observations) && isProtected(observations);
      },
      { timeoutMillis: START },
    );
  }

  async logs(): Promise<string> {
    const tails = this.#demo.members.map(async ({ name }) => {
      const text = await readFile(logFile(this.#demo.layout, name), 'utf8').catch(() => '');
      return `== ${name}\n${text.trimEnd().split('\n').slice(-30).join('\n')}`;
    });
    return (await Promise.all(tails)).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.hold('SIGKILL')));
    // The guards end what their agents left; whoever is still there is killed with them.
    await waitFor('the members to be gone', () => {
      const left = processesIn(this.#demo.layout.members);
      for (const process of left) sendSignal(process, 'SIGKILL');
      return left.length === 0;
    });
    await this.#network[Symbol.asyncDispose]();
    if (process.env.PGWARDEN_TEST_KEEP !== undefined) process.stderr.write(`kept: ${this.#root}\n`);
    else await rm(this.#root, { recursive: true, force: true });
  }
}

function hostOf(network: Network, index: number): Host {
  const host = network.hosts[index];
  if (host === undefined) throw new TypeError(`no host ${index}`);
  return host;
}
