import { childEnvironment } from './child-environment.ts';
import { KeptProcess } from './kept-process.ts';
import { logFile } from './layout.ts';
import { ensurePods, waitForApi } from './pods.ts';
import { identityOf } from './processes.ts';
import { API, SUPERVISOR, writeRunFile } from './run-files.ts';
import type { Demo, DemoMember } from './state.ts';
import { stopInOrder } from './stop-order.ts';

/** Whoever holds this process back from serving is a bug of the demo, not of a member. */
const API_START_MILLIS = 20_000;

/**
 * Runs the processes of a demo: the API first, then the agents; starts again whichever ends, and stops all of
 * them in order. It has no say in the cluster: killing it changes nothing there.
 */
export class Supervisor {
  readonly #demo: Demo;
  readonly #log: (text: string) => void;

  constructor(demo: Demo, log: (text: string) => void) {
    this.#demo = demo;
    this.#log = log;
  }

  /** Runs until `signal`, then stops everything. */
  async run(signal: AbortSignal): Promise<void> {
    const { layout, manifest } = this.#demo;
    const identity = identityOf(process.pid);
    if (identity === null) throw new TypeError('this process is not in /proc');
    await writeRunFile(layout, SUPERVISOR, { ...identity, restarts: 0, lastExit: null });

    const ending = new AbortController();
    signal.addEventListener('abort', () => ending.abort(), { once: true });
    if (signal.aborted) ending.abort();
    const api = this.#kept(API, ['demo-api', '--dir', layout.dir], {});
    const running = [api.run(ending.signal)];
    try {
      const pods = await this.#pods(signal);
      for (const member of this.#demo.members) {
        const pod = {
          POD_NAME: member.name,
          POD_NAMESPACE: manifest.namespace,
          POD_UID: pods.get(member.name) ?? '',
        };
        const agent = this.#kept(member.name, ['run', '--config', member.config], pod, member);
        running.push(agent.run(ending.signal));
      }
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    } finally {
      // Also after an error of the start: nothing is left running, and nothing is started again meanwhile.
      ending.abort();
      await stopInOrder(this.#demo, this.#log);
    }
    await Promise.all(running);
    this.#log('stopped');
  }

  async #pods(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { manifest } = this.#demo;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(API_START_MILLIS)]);
    try {
      await waitForApi(manifest, bounded);
      return await ensurePods(manifest, bounded);
    } catch (error) {
      if (signal.aborted) return new Map();
      throw error;
    }
  }

  #kept(name: string, args: string[], extra: Record<string, string>, member?: DemoMember): KeptProcess {
    const { layout } = this.#demo;
    const home = member?.socketDirectory ?? layout.api;
    return new KeptProcess({
      name,
      layout,
      args,
      environment: () => ({ ...childEnvironment(process.env, home), ...extra }),
      logFile: logFile(layout, name),
      log: this.#log,
    });
  }
}
