import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { agentUser } from '../../../src/demo/agent-user.ts';
import { postmasterProcess } from '../../../src/demo/member-processes.ts';
import {
  identityOf,
  isFrozen,
  type ProcessIdentity,
  processesIn,
  processesOfSession,
  sendSignal,
  waitUntilGone,
} from '../../../src/demo/processes.ts';
import type { DemoMember } from '../../../src/demo/state.ts';
import { guardOf } from '../../bench/process-costs.ts';
import { type Program, Respawned } from '../../bench/respawned.ts';
import { missingPart } from './errors.ts';

/** Kinds of processes that a scenario can name. */
export type Kind = 'agent' | 'guard' | 'postmaster' | 'backend' | 'walsender' | 'walreceiver' | 'startup';

/** How Postgres calls them (`ps`), with or without a cluster name before it. */
const TITLES: Readonly<Partial<Record<Kind, RegExp>>> = {
  backend: /^postgres: (?:.*: )?app app /,
  walsender: /^postgres: (?:.*: )?walsender /,
  walreceiver: /^postgres: (?:.*: )?walreceiver/,
  startup: /^postgres: (?:.*: )?startup/,
};
const GONE_MILLIS = 10_000;

export type Settings = Record<string, Record<string, unknown>>;

/** One member of the stage: its processes, its configuration, its Postgres. */
export class Member {
  readonly demo: DemoMember;
  readonly #program: Program;
  #running: Respawned;
  #isRetired = false;

  constructor(demo: DemoMember, program: Program) {
    this.demo = demo;
    this.#program = program;
    this.#running = new Respawned(program);
  }

  get name(): string {
    return this.demo.name;
  }

  /** Starts the agent, and again whenever it ends. Nothing where it runs. */
  up(): void {
    if (!this.#isRetired) this.#running.up();
  }

  /** Ends everything at once; nothing starts it again, also no scenario that does not know yet that it is over. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.down();
  }

  /** As `up`, with more in the environment of the agent, and so of its Postgres. */
  async upWith(environment: Readonly<Record<string, string>>): Promise<void> {
    await this.#running.hold('SIGTERM');
    this.#running = new Respawned({ ...this.#program, env: { ...this.#program.env, ...environment } });
    this.up();
  }

  /** Ends everything at once, for good. */
  async down(): Promise<void> {
    const held = this.#running.hold('SIGKILL');
    const all = this.all();
    for (const one of all) sendSignal(one, 'SIGKILL');
    await held;
    await waitUntilGone(all, GONE_MILLIS);
  }

  /** Ends it in order, for good. */
  async leave(): Promise<void> {
    await this.#running.hold('SIGTERM');
  }

  /** Kills everything at once; the agent starts again. */
  kill(): void {
    for (const one of this.all()) sendSignal(one, 'SIGKILL');
  }

  freeze(): void {
    for (const one of this.all()) sendSignal(one, 'SIGSTOP');
  }

  /** Lets go on whatever is frozen. */
  thaw(): void {
    for (const one of this.all()) if (isFrozen(one.pid)) sendSignal(one, 'SIGCONT');
  }

  /** Agent, guard, and every process of Postgres. */
  all(): readonly ProcessIdentity[] {
    const { pid } = this.#running;
    const found = [...(pid === null ? [] : processesOfSession(pid)), ...processesIn(this.demo.volume)];
    return [...new Map(found.map((identity) => [identity.pid, identity])).values()];
  }

  /** Those of a kind that run now. */
  find(kind: Kind): readonly ProcessIdentity[] {
    switch (kind) {
      case 'agent':
        return identities(this.#running.pid);
      case 'guard':
        return identities(this.#running.pid === null ? null : guardOf(this.#running.pid));
      case 'postmaster': {
        const found = postmasterProcess(this.demo);
        return found === null ? [] : [found];
      }
      default:
        return processesIn(this.demo.dataDirectory).filter(({ pid }) => TITLES[kind]?.test(titleOf(pid)));
    }
  }

  /** Sends a signal to those of a kind (at most `most`); throws StageError where there are none. */
  signal(kind: Kind, signal: NodeJS.Signals, most = Number.POSITIVE_INFINITY): readonly ProcessIdentity[] {
    const found = this.find(kind).slice(0, most);
    if (found.length === 0) throw missingPart(`${kind} of ${this.name}`);
    return found.filter((one) => sendSignal(one, signal));
  }

  /** SQL as the superuser at the member's own socket, as a person in the pod would; what it prints. */
  async sql(text: string, timeoutMillis = 10_000): Promise<string> {
    const { socketDirectory, port } = this.demo;
    const options = ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres'];
    return await asPostgres(
      ['psql', '-h', socketDirectory, '-p', String(port), '-U', 'postgres', ...options, '-c', text],
      timeoutMillis,
    );
  }

  /** Changes the configuration file; the agent is not told. */
  async configure(change: (settings: Settings) => void): Promise<void> {
    const settings = parse(await readFile(this.demo.config, 'utf8')) as Settings;
    change(settings);
    await writeFile(this.demo.config, stringify(settings));
  }
}

/** Runs a program of Postgres as the user that Postgres runs as. */
export async function asPostgres(argv: readonly string[], timeout = 10_000): Promise<string> {
  const user = await agentUser();
  const [command = '', ...args] = user === null ? argv : ['runuser', '-u', user.name, '--', ...argv];
  return (await execa(command, args, { timeout, cwd: '/' })).stdout.trim();
}

function identities(pid: number | null): readonly ProcessIdentity[] {
  const identity = pid === null ? null : identityOf(pid);
  return identity === null ? [] : [identity];
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
