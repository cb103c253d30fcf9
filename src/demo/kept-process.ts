import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterExit, type Backoff, NO_BACKOFF } from './backoff.ts';
import type { Layout } from './layout.ts';
import { identityOf } from './processes.ts';
import { isMarkedDown, writeRunFile } from './run-files.ts';

const MARK_POLL_MILLIS = 200;

export interface KeptProcessOptions {
  readonly name: string;
  readonly layout: Layout;
  /** The arguments behind `node program/main.js`. */
  readonly args: readonly string[];
  readonly environment: () => Record<string, string>;
  readonly logFile: string;
  readonly log: (text: string) => void;
}

/**
 * A process that is started again whenever it ends, as the kubelet does with a container. Each is in a session of
 * its own, so that a Ctrl-C at the terminal does not reach it.
 */
export class KeptProcess {
  readonly #options: KeptProcessOptions;
  #restarts = 0;
  #lastExit: string | null = null;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
  }

  /**
   * Keeps it running until `signal` ends that: then it is not started again, but not ended either (that goes in
   * order, elsewhere); resolves once the last one ended.
   */
  async run(signal: AbortSignal): Promise<void> {
    let backoff: Backoff = NO_BACKOFF;
    while (!signal.aborted) {
      if (await this.#isDown()) {
        // A person took it down: its ends until then say nothing of how well it is.
        backoff = NO_BACKOFF;
        if (!(await this.#mayRun(signal))) return;
      }
      const began = performance.now();
      this.#lastExit = await this.#runOnce(signal);
      if (signal.aborted) return;
      const { next, pause } = afterExit(backoff, performance.now() - began);
      backoff = next;
      this.#restarts += 1;
      if (await this.#isDown()) {
        this.#options.log(`${this.#options.name} ended (${this.#lastExit}); stays down until it is revived`);
        continue;
      }
      this.#options.log(`${this.#options.name} ended (${this.#lastExit}); starts again in ${pause} ms`);
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
  }

  #isDown(): Promise<boolean> {
    return isMarkedDown(this.#options.layout, this.#options.name);
  }

  /** Waits while the member is marked as down; false where `signal` ended that. */
  async #mayRun(signal: AbortSignal): Promise<boolean> {
    while (await this.#isDown()) {
      await sleep(MARK_POLL_MILLIS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return false;
    }
    return true;
  }

  async #runOnce(signal: AbortSignal): Promise<string> {
    const { layout, name, args, environment, logFile } = this.#options;
    const output = await open(logFile, 'a');
    let child: ChildProcess;
    try {
      if (signal.aborted) return 'not started';
      child = spawn(process.execPath, [layout.main, ...args], {
        cwd: '/',
        detached: true,
        env: environment(),
        stdio: ['ignore', output.fd, output.fd],
      });
    } finally {
      await output.close();
    }
    const exited = once(child, 'exit');
    exited.catch(() => {});
    try {
      const identity = child.pid === undefined ? null : identityOf(child.pid);
      if (identity !== null) {
        await writeRunFile(layout, name, { ...identity, restarts: this.#restarts, lastExit: this.#lastExit });
        this.#options.log(`${name} started, pid ${identity.pid}`);
      }
      // Whoever stops everything may have looked before this one was noted.
      if (signal.aborted) child.kill('SIGTERM');
      const [code, killedBy] = (await exited) as [number | null, string | null];
      return killedBy === null ? `exit code ${code}` : String(killedBy);
    } catch (error) {
      return (error as Error).message;
    }
  }
}
