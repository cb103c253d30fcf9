import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { childEnvironment } from '../../../src/demo/child-environment.ts';
import { createDemo } from '../../../src/demo/create.ts';
import { logFile, secretFile } from '../../../src/demo/layout.ts';
import { APPLICATION_DATABASE, APPLICATION_USER } from '../../../src/demo/member-config.ts';
import {
  isComplete,
  isProtected,
  type Observation,
  observe,
  servingPrimary,
} from '../../../src/demo/observe.ts';
import { ensurePods, waitForApi } from '../../../src/demo/pods.ts';
import { processesIn, sendSignal } from '../../../src/demo/processes.ts';
import type { Demo } from '../../../src/demo/state.ts';
import { connectionUrl } from '../../../src/demo/url.ts';
import { Respawned } from '../../bench/respawned.ts';
import { story } from '../../e2e/story.ts';
import { waitFor } from '../../e2e/wait-for.ts';
import { Random } from '../../simulation/engine/random.ts';
import type { Target } from '../load/load.ts';
import { ApiGate } from './api-gate.ts';
import { ArchiveWatch } from './archive-watch.ts';
import { missingPart, StageError } from './errors.ts';
import { FaultNetwork } from './fault-network.ts';
import { Member } from './member.ts';
import { orAborted } from './or-aborted.ts';
import { Volume } from './volume.ts';

export interface StageOptions {
  /** Members that run. */
  readonly members: number;
  /** Members that have a place, and may be started later. */
  readonly places: number;
  /** Each member in a network namespace of its own; else all are on loopback. */
  readonly isNetworked: boolean;
  /** Each member's volume on a small disk of its own. */
  readonly hasDisks: boolean;
}

const START_MILLIS = 120_000;
const DISK_MEGABYTES = 900;

/**
 * A cluster to be hurt: the demo's layout, its embedded API and the real program (`pgwarden run`, which starts real
 * Postgres), each member in a network namespace with a gate of its own before the API. `pgwarden demo` knows loopback
 * and one environment for all only, so the processes are kept running from here, as its supervisor would.
 */
export class Stage implements AsyncDisposable {
  readonly options: StageOptions;
  readonly #root: string;
  readonly #demo: Demo;
  readonly #network: FaultNetwork | null;
  readonly archive: ArchiveWatch;
  readonly #gates = new Map<string, ApiGate>();
  readonly #volumes = new Map<string, Volume>();
  readonly #members = new Map<string, Member>();
  readonly #programs: Respawned[] = [];
  #active: readonly string[];
  #password = '';

  private constructor(options: StageOptions, root: string, demo: Demo, network: FaultNetwork | null) {
    this.options = options;
    this.#root = root;
    this.#demo = demo;
    this.#network = network;
    this.archive = new ArchiveWatch(join(root, 'archive'));
    this.#active = demo.members.slice(0, options.members).map(({ name }) => name);
  }

  /** Lays it out and waits until every standby streams. Throws StageError with the last words of the logs. */
  static async start(options: StageOptions, random: Random, signal: AbortSignal): Promise<Stage> {
    const root = await mkdtemp(join(tmpdir(), 'pgwarden-faults-'));
    await chmod(root, 0o755);
    const demo = await createDemo({ dir: join(root, 'demo'), members: options.places, portBase: null });
    const names = demo.members.map(({ name }) => name);
    const network = options.isNetworked ? await FaultNetwork.create(names) : null;
    const stage = new Stage(options, root, demo, network);
    try {
      await orAborted(signal, stage.#launch(random));
      await orAborted(signal, stage.waitUntilComplete(START_MILLIS));
      return stage;
    } catch (error) {
      if (signal.aborted) {
        await stage[Symbol.asyncDispose]();
        throw error;
      }
      const logs = await stage.lastWords();
      await stage[Symbol.asyncDispose]();
      const message = `the cluster did not start: ${(error as Error).message}\n${logs}`;
      throw new StageError('STAGE_NOT_UP', message, 'npm run build; look at the lines above', error);
    }
  }

  get dir(): string {
    return this.#demo.layout.dir;
  }

  /** Members that are to run now. */
  get names(): readonly string[] {
    return this.#active;
  }

  get apiUrl(): string {
    const { host, apiPort } = this.#demo.manifest;
    return `http://${host}:${apiPort}`;
  }

  get target(): Target {
    const active = this.#demo.members.filter(({ name }) => this.#active.includes(name));
    const hosts = active.map(({ name, port }) => ({ host: this.addressOf(name), port }));
    const login = { user: APPLICATION_USER, password: this.#password, database: APPLICATION_DATABASE };
    return { url: connectionUrl({ ...login, hosts }), members: active.map(({ name }) => name) };
  }

  get network(): FaultNetwork {
    if (this.#network === null) throw missingPart('network');
    return this.#network;
  }

  addressOf(name: string): string {
    return this.#network?.host(name).address ?? this.#demo.manifest.host;
  }

  member(name: string): Member {
    return this.#members.get(name) ?? fail(`member ${name}`);
  }

  gate(name: string): ApiGate {
    return this.#gates.get(name) ?? fail(`gate of ${name}`);
  }

  volume(name: string): Volume {
    return this.#volumes.get(name) ?? fail(`disk of ${name}`);
  }

  /** Which of the places are members from now on; nothing is started or ended. */
  setMembers(names: readonly string[]): void {
    this.#active = names;
  }

  /** Every place, in order. */
  get places(): readonly string[] {
    return this.#demo.members.map(({ name }) => name);
  }

  /** The API's process; it is started again when it ends. */
  get apiPid(): number {
    return this.#programs[0]?.pid ?? fail('API');
  }

  observe(): Promise<readonly Observation[]> {
    const members = this.#demo.members.filter(({ name }) => this.#active.includes(name));
    return observe({ ...this.#demo, members });
  }

  /** Who serves as primary; null: nobody, or several say so. */
  async servingNow(): Promise<string | null> {
    return servingPrimary(await this.observe())?.member ?? null;
  }

  primary(timeoutMillis = 60_000): Promise<string> {
    return waitFor('one primary that serves', () => this.servingNow(), { timeoutMillis });
  }

  async standbys(): Promise<readonly string[]> {
    const primary = await this.primary();
    return this.#active.filter((name) => name !== primary);
  }

  /** One primary, all others stream from it, and commits wait for them. Milliseconds until then. */
  async waitUntilComplete(timeoutMillis: number): Promise<number> {
    const began = performance.now();
    try {
      await waitFor(
        'one primary, everyone else streaming and counted',
        async () => {
          const observations = await this.observe();
          return isComplete(observations) && isProtected(observations);
        },
        { timeoutMillis },
      );
    } catch (error) {
      const seen = (await this.observe()).map(
        ({ member, status }) =>
          `${member.name}: ${status?.role} ${status?.state} ${status?.lastDecision.reason ?? 'no answer'}`,
      );
      throw new Error(`${(error as Error).message}\n${seen.join('\n')}`, { cause: error });
    }
    return performance.now() - began;
  }

  /** A command of the program, asked of one member; any exit code is an answer. */
  async pgwarden(member: string, ...args: readonly string[]): Promise<{ exitCode: number; output: string }> {
    const { socket } = this.member(member).demo;
    const argv = [this.#demo.layout.main, ...args, '--socket', socket];
    const { exitCode, all } = await execa(process.execPath, argv, { reject: false, all: true });
    return { exitCode: exitCode ?? -1, output: all };
  }

  /** What all members decided and met since then. */
  story(since: Date): Promise<string> {
    return story(this.dir, this.places, since, 400);
  }

  async keepLogs(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await cp(this.#demo.layout.logs, join(directory, 'logs'), { recursive: true });
  }

  async lastWords(): Promise<string> {
    const tails = this.#active.map(async (name) => {
      const text = await readFile(logFile(this.#demo.layout, name), 'utf8').catch(() => '');
      return `== ${name}\n${text.trimEnd().split('\n').slice(-15).join('\n')}`;
    });
    return (await Promise.all(tails)).join('\n');
  }

  async #launch(random: Random): Promise<void> {
    const { layout, manifest, members } = this.#demo;
    this.#password = (await readFile(secretFile(layout, 'application'), 'utf8')).trim();
    if (this.options.hasDisks) {
      for (const { name, volume } of members) {
        const image = join(this.#root, 'disks', `${name}.img`);
        this.#volumes.set(name, await Volume.mount(volume, image, DISK_MEGABYTES));
      }
    }
    for (const { volume } of members.slice(0, 1)) await this.archive.make(volume);
    const env = childEnvironment(process.env, layout.api);
    const node = process.execPath;
    const api = new Respawned({
      command: node,
      args: [layout.main, 'demo-api', '--dir', layout.dir],
      env,
      logFile: logFile(layout, 'api'),
    });
    this.#programs.push(api);
    api.up();
    const limit = AbortSignal.timeout(START_MILLIS);
    await waitForApi(manifest, limit);
    const pods = await ensurePods(manifest, limit);
    for (const demo of members) {
      const { name } = demo;
      const host = this.#network?.address ?? manifest.host;
      const gate = await ApiGate.open(
        host,
        { host: manifest.host, port: manifest.apiPort },
        new Random(random.whole(0, 0x7fffffff), name),
      );
      this.#gates.set(name, gate);
      const run = [node, layout.main, 'run', '--config', demo.config];
      const namespace = this.#network?.host(name).namespace;
      // Not `ip netns exec`: that makes a mount namespace too, in which a disk would stay when it is taken away here.
      const [command = '', ...args] =
        namespace === undefined ? run : ['nsenter', `--net=/run/netns/${namespace}`, ...run];
      const pod = {
        POD_NAME: name,
        POD_NAMESPACE: manifest.namespace,
        POD_UID: pods.get(name) ?? '',
        HOME: demo.socketDirectory,
      };
      const program = { command, args, env: { ...env, ...pod }, logFile: logFile(layout, name) };
      const member = new Member(demo, program);
      this.#members.set(name, member);
      await writeFile(logFile(layout, name), '', { flag: 'a' });
      await member.configure((settings) => {
        settings.cluster = { ...settings.cluster, members: this.options.members };
        settings.postgres = { ...settings.postgres, listenAddresses: this.addressOf(name) };
        settings.advertise = { host: this.addressOf(name) };
        settings.http = { ...settings.http, listenHost: this.addressOf(name) };
        settings.kubernetes = { server: gate.url };
        settings.archive = { url: this.archive.url };
      });
    }
    for (const name of this.#active) this.member(name).up();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A process that waits for a frozen disk cannot even be killed.
    for (const volume of this.#volumes.values()) await volume.thaw();
    for (const member of this.#members.values()) {
      member.thaw();
      await member.retire();
    }
    for (const program of this.#programs) await program.hold('SIGKILL');
    await waitFor('the members to be gone', () => {
      const left = processesIn(this.#demo.layout.members);
      for (const one of left) sendSignal(one, 'SIGKILL');
      return left.length === 0;
    });
    for (const gate of this.#gates.values()) await gate[Symbol.asyncDispose]();
    for (const volume of this.#volumes.values()) await volume[Symbol.asyncDispose]();
    await this.#network?.[Symbol.asyncDispose]();
    if (process.env.PGWARDEN_TEST_KEEP !== undefined) process.stderr.write(`kept: ${this.#root}\n`);
    else await rm(this.#root, { recursive: true, force: true });
  }
}

function fail(what: string): never {
  throw missingPart(what);
}
