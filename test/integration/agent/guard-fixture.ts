import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';

const AGENT = fileURLToPath(new URL('./guarded-agent.ts', import.meta.url));
const { directory: bin } = await findBinaries(null);

/**
 * Started as root, the agent under test becomes this user by itself, as a real one does (its files need not be readable
 * for the user), and everything else runs as this user from the start.
 */
const USER = process.getuid?.() === 0 ? 'postgres' : null;
const idOf = (flag: string): number => Number(execFileSync('id', [flag, USER ?? ''], { encoding: 'utf8' }));
const OWNER = USER === null ? null : { uid: idOf('-u'), gid: idOf('-g') };
const asOwner = OWNER ?? {};

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Looks every few milliseconds until the condition holds, and returns what it gave. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  within = 15_000,
): Promise<T & {}> {
  const bound = now() + within;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (now() > bound) throw new Error(`not within ${within} ms: ${what}`);
    await delay(2);
  }
}

/** Alive and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** What an agent process tells. */
export interface Told {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** The agent process of a test. */
export class AgentUnderTest {
  readonly child: ChildProcess;
  readonly told: Told[] = [];

  constructor(volume: string, guardAfter: number, lockWait: number) {
    this.child = spawn(process.execPath, [AGENT, volume, String(guardAfter), String(lockWait), USER ?? ''], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdin?.on('error', () => undefined);
    if (this.child.stdout !== null) {
      createInterface({ input: this.child.stdout }).on('line', (line) => this.told.push(JSON.parse(line)));
    }
  }

  order(text: string): void {
    this.child.stdin?.write(`${text}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  hears(event: string, count = 1, within?: number): Promise<Told> {
    return until(event, () => this.told.filter((told) => told.event === event)[count - 1], within);
  }

  /** The pid of the guard that it started last. */
  get guard(): number {
    return this.told.findLast((told) => told.event === 'guarded')?.pid as number;
  }
}

/** Volumes, agents and servers of one test file. */
export class GuardFixture {
  readonly #root = mkdtempSync(join(realpathSync(tmpdir()), 'pgwarden-guard-'));
  readonly #children: ChildProcess[] = [];
  readonly #guards = new Set<number>();
  readonly #agents: AgentUnderTest[] = [];
  readonly #clients: pg.Client[] = [];
  #volumes = 0;
  #template: string | null = null;

  constructor() {
    chmodSync(this.#root, 0o755);
  }

  /** A volume with an empty data directory. */
  volume(): string {
    const volume = join(this.#root, `v${this.#volumes++}`);
    for (const directory of [volume, join(volume, 'data')]) {
      mkdirSync(directory, { mode: 0o700 });
      if (OWNER !== null) chownSync(directory, OWNER.uid, OWNER.gid);
    }
    return volume;
  }

  /** A volume whose data directory is that of a real Postgres. */
  postgresVolume(): string {
    if (this.#template === null) {
      this.#template = join(this.volume(), 'data');
      const args = ['-D', this.#template, '-A', 'trust', '-U', 'postgres', '-N'];
      execFileSync(join(bin, 'initdb'), args, { ...asOwner, cwd: '/', stdio: 'pipe' });
    }
    const volume = this.volume();
    execFileSync('cp', ['-a', `${this.#template}/.`, join(volume, 'data')]);
    return volume;
  }

  async agent(
    volume: string,
    options: { guardAfter?: number; lockWait?: number } = {},
  ): Promise<AgentUnderTest> {
    const agent = new AgentUnderTest(volume, options.guardAfter ?? 1_000, options.lockWait ?? 5_000);
    this.#agents.push(agent);
    this.#children.push(agent.child);
    await until('an answer', () => agent.told.length > 0);
    return agent;
  }

  /** Postgres under the volume's lock, as the agent starts it. */
  async postgres(volume: string, connections = 60): Promise<number> {
    const child = this.run(
      '/',
      'flock',
      ['--no-fork', '-n', join(volume, 'lock'), join(bin, 'postgres'), '-D', join(volume, 'data')].concat(
        ['listen_addresses=', `unix_socket_directories=${volume}`, 'restart_after_crash=off'].flatMap(
          (setting) => ['-c', setting],
        ),
        ['-c', `max_connections=${connections}`],
      ),
    );
    await until('Postgres accepts', () => this.connect(volume).catch(() => null));
    return child.pid as number;
  }

  async connect(volume: string): Promise<pg.Client> {
    const client = new pg.Client({ host: volume, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  /** A child with a session of its own. */
  run(cwd: string, file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, { ...asOwner, cwd, detached: true, stdio: 'ignore' });
    this.#children.push(child);
    return child;
  }

  isLockFree(volume: string): boolean {
    return spawnSync('flock', ['--shared', '-n', join(volume, 'lock'), 'true'], asOwner).status === 0;
  }

  /** Ends everything that was started, guards last. */
  end(): void {
    for (const agent of this.#agents)
      for (const told of agent.told) if (told.event === 'guarded') this.#guards.add(told.pid as number);
    for (const client of this.#clients) void client.end().catch(() => undefined);
    for (const pid of processesBelow(this.#root)) kill(pid);
    for (const child of this.#children) child.kill('SIGKILL');
    for (const pid of this.#guards) if (workingDirectory(pid)?.startsWith(this.#root)) kill(pid);
    rmSync(this.#root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Pids whose working directory is exactly this one. */
export function processesIn(directory: string): number[] {
  return pids().filter((pid) => workingDirectory(pid) === directory);
}

function processesBelow(directory: string): number[] {
  return pids().filter((pid) => workingDirectory(pid)?.startsWith(`${directory}/`));
}

const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

function workingDirectory(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
