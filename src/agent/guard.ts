import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Instant, instant, type Millis, millis } from '../ha/units.ts';
import { AgentError, AgentTakenError, GuardError } from './errors.ts';
import type { GuardMessage, KillReason } from './guard-message.ts';
import { type GuardCommand, GuardProcess } from './guard-process.ts';
import type { Log } from './log.ts';

const BEAT_EVERY = 500;
/** The guard answers every second beat. */
const ANSWER_WITHIN = 3_000;
const LOCK_WAIT = millis(5_000);
/** Beyond the wait for the lock: perl's own start on a busy machine. */
const START_WITHIN = 10_000;
const RELEASE_WITHIN = 2_000;
const LONGEST_PAUSE = 2_000;

export interface GuardOptions {
  readonly volume: string;
  readonly dataDirectory: string;
  /** How long the agent may be silent before everything of the directory is killed. */
  readonly guardAfter: Millis;
  readonly log: Log;
  /** Everything of the directory was killed, although this agent lives. */
  readonly onKilled?: (killed: {
    readonly reason: KillReason;
    readonly processes: number;
    readonly took: number;
  }) => void;
  /** The guard died or froze; it is being replaced. Nothing guards until then. */
  readonly onLost?: (why: string) => void;
  /** The guard could not be replaced: the caller must stop Postgres by itself. Further attempts are still made, unless another agent has taken the directory. */
  readonly onUnguarded?: (error: AgentError) => void;
  /** CLOCK_MONOTONIC in milliseconds, the clock of the deadlines. */
  readonly now?: () => Instant;
  readonly perl?: string;
  readonly lockWait?: Millis;
}

const monotonicNow = (): Instant => instant(Number(process.hrtime.bigint()) / 1e6);

/**
 * The agent's side of the guard process (architecture, "What runs outside the loop"). The heartbeat comes from the
 * main event loop on purpose: an agent whose loop stands still has to be taken for dead. A guard that died, or that
 * does not answer, is killed and replaced at once.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #now: () => Instant;
  #command: GuardCommand | null = null;
  #process: GuardProcess | null = null;
  #guarding = false;
  #released = false;
  #deadline: Instant | null = null;
  #heardAt: number = 0;
  #beatAt: number = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#now = options.now ?? monotonicNow;
  }

  /** A guard watches over this agent now. */
  get isGuarding(): boolean {
    return this.#guarding;
  }

  /** When the guard kills, unless a later deadline is set; null: it only watches the heartbeat. */
  get deadline(): Instant | null {
    return this.#deadline;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /**
   * Takes the directory for this agent and begins to guard. The volume must exist.
   * Rejects with `AgentTakenError` where another agent has it (after `lockWait`), `GuardError` where it cannot start.
   */
  async start(signal?: AbortSignal): Promise<void> {
    const { volume, dataDirectory, guardAfter, perl = 'perl', lockWait = LOCK_WAIT } = this.#options;
    // /proc shows paths without symbolic links. The data directory itself may not exist yet.
    const data = join(await reached(dirname(dataDirectory)), basename(dataDirectory));
    this.#command = { perl, volume: await reached(volume), dataDirectory: data, guardAfter, lockWait };
    await this.#launch(this.#command, signal);
    this.#beatAt = this.#now();
    this.#timer = setInterval(() => this.#beat(), Math.min(BEAT_EVERY, guardAfter / 4));
    this.#timer.unref();
  }

  /** Kill at `deadline` unless another one is set before; null: no deadline. */
  setDeadline(deadline: Instant | null): void {
    const next = deadline === null || deadline === Number.POSITIVE_INFINITY ? null : deadline;
    if (next === this.#deadline) return;
    this.#deadline = next;
    if (this.#guarding) this.#sendDeadline();
  }

  /**
   * The clean end of the agent: the guard ends and kills nothing (but what it had begun to kill). A guard that does
   * not end by itself is killed. Without it, the agent's end is a reason to kill.
   */
  async release(): Promise<void> {
    this.#released = true;
    this.#guarding = false;
    clearInterval(this.#timer);
    const guard = this.#process;
    if (guard === null || guard.over) return;
    guard.keepLoopAlive(true);
    guard.finish('release');
    const bound = this.#now() + RELEASE_WITHIN;
    while (!guard.over && this.#now() < bound) await delay(5);
    guard.kill();
  }

  #launch(command: GuardCommand, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const began = this.#now();
    let settled = false;
    const settle = (error: AgentError | null): void => {
      if (settled) return;
      settled = true;
      clearTimeout(overdue);
      signal?.removeEventListener('abort', onAbort);
      guard.keepLoopAlive(false);
      if (error === null) {
        this.#taken(guard);
        resolve();
      } else {
        guard.kill();
        reject(error);
      }
    };
    const onAbort = (): void => settle(new GuardError('it was called off', { cause: signal?.reason }));
    const guard = GuardProcess.launch(command, {
      message: (message) => {
        if (message.kind === 'taken') settle(new AgentTakenError(command.volume, message.holder));
        else if (message.kind !== 'ready') this.#hear(guard, message);
        else if (message.at >= began - 1 && message.at <= this.#now() + 1) {
          const { oomScoreAdj } = message;
          this.#options.log.info({ event: 'guard.ready', pid: guard.pid, oomScoreAdj }, 'The guard watches');
          settle(null);
        } else settle(new GuardError('it reads another clock than the agent'));
      },
      ended: (why) => {
        settle(new GuardError(why));
        this.#lost(guard, why);
      },
    });
    const within = command.lockWait + START_WITHIN;
    const overdue = setTimeout(() => settle(new GuardError(`it was not ready within ${within} ms`)), within);
    this.#process = guard;
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  }

  /** The guard holds the directory: from now on it hears the agent. */
  #taken(guard: GuardProcess): void {
    if (this.#released) {
      guard.finish('release');
      return;
    }
    this.#guarding = true;
    this.#heardAt = this.#now();
    this.#sendDeadline();
  }

  #sendDeadline(): void {
    // Down, to the safe side; a deadline of the distant past is one that has passed.
    const line = this.#deadline === null ? 'none' : Math.max(0, Math.floor(this.#deadline));
    this.#process?.send(`deadline ${line}`);
  }

  #beat(): void {
    const guard = this.#process;
    const now = this.#now();
    // Where it was this loop that stood still, its answers wait to be read.
    if (now - this.#beatAt > BEAT_EVERY * 3) this.#heardAt = now;
    this.#beatAt = now;
    if (!this.#guarding || guard === null) return;
    if (!guard.send(`beat ${now.toFixed(3)}`)) this.#lost(guard, 'it does not read any more');
    else if (now - this.#heardAt > ANSWER_WITHIN)
      this.#lost(guard, `it gave no answer for ${ANSWER_WITHIN} ms`);
  }

  #hear(guard: GuardProcess, message: GuardMessage): void {
    if (guard !== this.#process) return;
    this.#heardAt = this.#now();
    if (message.kind !== 'killed' && message.kind !== 'stuck') return;
    const { kind, ...fields } = message;
    const text =
      kind === 'killed'
        ? `The guard killed ${fields.processes} processes of the data directory (${fields.reason}) in ${fields.took} ms`
        : `The guard waits since ${fields.took} ms for ${fields.processes} killed processes to go (${fields.reason})`;
    this.#options.log.warn({ event: `guard.${kind}`, ...fields }, text);
    if (kind !== 'killed') return;
    // Killing cleared its deadline; one that is still to come holds for what is started next.
    if (this.#deadline !== null && this.#deadline > this.#heardAt) this.#sendDeadline();
    this.#options.onKilled?.(fields);
  }

  #lost(guard: GuardProcess, why: string): void {
    if (guard !== this.#process || !this.#guarding) return;
    this.#guarding = false;
    guard.kill();
    this.#options.log.error({ event: 'guard.lost', why }, `The guard is lost (${why}): it is replaced`);
    this.#options.onLost?.(why);
    void this.#replace();
  }

  async #replace(): Promise<void> {
    for (
      let pause = 50;
      !this.#released && this.#command !== null;
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    ) {
      try {
        return await this.#launch(this.#command);
      } catch (cause) {
        const error = cause instanceof AgentError ? cause : new GuardError(String(cause), { cause });
        if (this.#released) return;
        this.#options.log.error(
          { event: 'guard.absent', code: error.code },
          `${error.message}. ${error.remedy}`,
        );
        this.#options.onUnguarded?.(error);
        if (error instanceof AgentTakenError) return;
        await delay(pause, undefined, { ref: false });
      }
    }
  }
}

/** The real path of a directory that must be there. */
async function reached(directory: string): Promise<string> {
  return await realpath(directory).catch((cause: unknown) => {
    throw new GuardError(`${directory} cannot be reached`, { cause });
  });
}
