import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Record<string, string>;
  readonly logFile: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

const PAUSE = 300;

/** A program that is started again whenever it ends, as a kubelet or an init does; unless it is held down. */
export class Respawned {
  readonly #program: Program;
  #child: ChildProcess | null = null;
  #down = true;
  #kept: Promise<void> = Promise.resolve();

  constructor(program: Program) {
    this.#program = program;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  up(): void {
    if (!this.#down) return;
    this.#down = false;
    // One that was held while it paused may go on before it has noticed: never two at once.
    this.#kept = this.#kept.then(() => this.#keep());
  }

  /** From now on it is not started again; ends it with `signal` and waits for that, unless null. */
  async hold(signal: NodeJS.Signals | null): Promise<void> {
    this.#down = true;
    const child = this.#child;
    if (child === null || signal === null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async #keep(): Promise<void> {
    while (!this.#down) {
      this.#child = await this.#spawn();
      await once(this.#child, 'exit').catch(() => {});
      this.#child = null;
      if (!this.#down) await sleep(PAUSE);
    }
  }

  async #spawn(): Promise<ChildProcess> {
    const { command, args, env, logFile, user } = this.#program;
    const log = await open(logFile, 'a');
    try {
      return spawn(command, args, {
        cwd: '/',
        detached: true,
        env,
        stdio: ['ignore', log.fd, log.fd],
        ...(user ?? {}),
      });
    } finally {
      await log.close();
    }
  }
}
