import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PostgresError, ServerExitedError } from '../errors.ts';
import type { InstanceDeps, ProcessState } from '../ports.ts';
import { until } from '../wait.ts';
import { LOCK_HELD_EXIT_CODE } from './lock.ts';
import { send, worksIn } from './orphans.ts';
import { logServerMessage, ServerLog, type ServerMessage } from './server-log.ts';

const READY_POLL_MS = 10;
const ADOPTED_POLL_MS = 100;

export interface PostmasterCommand {
  readonly file: string;
  readonly arguments: readonly string[];
}

/** The postmaster's process: launched here or adopted from an agent that died. At most one at a time. */
export class Postmaster {
  readonly #data: string;
  readonly #deps: InstanceDeps;
  readonly #changed: () => void;
  readonly #listen: (message: ServerMessage) => void;
  #state: ProcessState = { state: 'stopped', exit: null };
  #log: ServerLog | null = null;
  #child: ChildProcess | null = null;

  constructor(
    data: string,
    deps: InstanceDeps,
    changed: () => void,
    listen: (message: ServerMessage) => void,
  ) {
    this.#data = data;
    this.#deps = deps;
    this.#changed = changed;
    this.#listen = listen;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** The pid while it lives; null when it is known to be stopped. */
  get pid(): number | null {
    return this.#state.state === 'stopped' ? null : this.#state.pid;
  }

  /** Launches it; resolves when it accepts connections, rejects when it exits first. */
  async start(command: PostmasterCommand, signal: AbortSignal): Promise<void> {
    if (this.#state.state !== 'stopped') {
      throw new PostgresError('WRONG_STATE', 'Postgres is already running', 'Stop it first.');
    }
    const child = spawn(command.file, command.arguments, {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      // A signal to the agent's process group (Ctrl-C, tini -g) must not reach it: the agent decides how it ends.
      detached: true,
    });
    this.#child = child;
    const log = this.#attachLog(child);
    if (child.pid === undefined) throw await spawnFailure(child, command);
    this.#set({ state: 'starting', pid: child.pid, since: this.#deps.clock.now() });
    child.once('exit', (code, ended) => this.#exited(code, ended));
    await this.#untilReady(child.pid, log, signal);
  }

  /** Takes over a postmaster that somebody else launched: its end is then found by polling. */
  async adopt(pid: number): Promise<void> {
    const started = await startTime(pid);
    if (started === null) return;
    this.#set({ state: 'running', pid, since: this.#deps.clock.now() });
    const poll = setInterval(async () => {
      if ((await startTime(pid)) === started) return;
      clearInterval(poll);
      if (this.pid === pid) this.#exited(null, null);
    }, ADOPTED_POLL_MS);
    poll.unref();
  }

  /** No longer holds this process up: it may end while Postgres goes on, whose log nobody reads from then on. */
  letGo(): void {
    this.#child?.unref();
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
  }

  /** Sends a signal; false where it is already gone. */
  signal(signal: NodeJS.Signals): boolean {
    return this.pid !== null && send(this.pid, signal);
  }

  markStopping(): void {
    if (this.#state.state === 'stopped' || this.#state.state === 'stopping') return;
    this.#set({ state: 'stopping', pid: this.#state.pid, since: this.#deps.clock.now() });
  }

  /** Resolves when the postmaster has exited; its children may live on. */
  async untilExited(what: string, signal: AbortSignal): Promise<void> {
    await until(what, READY_POLL_MS, signal, () => (this.#state.state === 'stopped' ? true : null));
  }

  async #untilReady(pid: number, log: ServerLog, signal: AbortSignal): Promise<void> {
    await until('starting Postgres', READY_POLL_MS, signal, async () => {
      if (this.#state.state === 'stopped') throw exitError(this.#state.exit, log);
      const status = await postmasterStatus(this.#data);
      return status?.pid === pid && status.status === 'ready' ? true : null;
    });
    if (this.#state.state === 'starting') {
      this.#set({ state: 'running', pid, since: this.#deps.clock.now() });
    }
  }

  #attachLog(child: ChildProcess): ServerLog {
    const log = new ServerLog((message) => {
      logServerMessage(this.#deps.logger, message);
      this.#listen(message);
    });
    this.#log?.end();
    this.#log = log;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => log.write(text));
      stream?.on('error', (error) =>
        this.#deps.logger.warn({ event: 'postgres_log_lost', error }, error.message),
      );
    }
    return log;
  }

  #exited(code: number | null, signal: string | null): void {
    this.#log?.end();
    this.#set({ state: 'stopped', exit: { code, signal } });
  }

  #set(state: ProcessState): void {
    this.#state = state;
    this.#changed();
  }
}

/** What postmaster.pid says (miscadmin.h, LOCK_FILE_LINE_*): the first line and the status in the eighth. */
export async function postmasterStatus(
  data: string,
): Promise<{ readonly pid: number; readonly status: string } | null> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, status: (lines[7] ?? '').trim() } : null;
}

/** The pid of a living postmaster of this directory that another agent launched, or null. */
export async function livingPostmaster(data: string): Promise<number | null> {
  const found = await postmasterStatus(data);
  if (found === null) return null;
  return (await worksIn(found.pid, await realpath(data))) ? found.pid : null;
}

/** Field 22 of /proc/PID/stat: tells a process from a later one with the same pid. Null: gone, or a zombie. */
async function startTime(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function exitError(
  exit: { readonly code: number | null; readonly signal: string | null } | null,
  log: ServerLog,
) {
  if (exit?.code === LOCK_HELD_EXIT_CODE) {
    return new PostgresError(
      'DIRECTORY_IN_USE',
      'the data directory is in use: a process of another agent or container holds its lock',
      'Stop the other agent; two agents cannot share one volume.',
    );
  }
  const how =
    exit?.signal != null ? `was ended by ${exit.signal}` : `exited with code ${exit?.code ?? 'unknown'}`;
  return new ServerExitedError(`${how} while it was starting`, log.last.slice(-5));
}

async function spawnFailure(child: ChildProcess, command: PostmasterCommand): Promise<PostgresError> {
  const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
  return new PostgresError(
    'BINARIES_MISSING',
    `${command.file} cannot be run: ${cause.message}`,
    'Install util-linux (flock) and the PostgreSQL server package.',
    { cause },
  );
}
