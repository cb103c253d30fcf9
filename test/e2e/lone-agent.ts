import { readFile, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { demoMember, openDemo } from '../../src/demo/state.ts';
import { type DemoCluster, MAIN } from './cluster.ts';
import { waitFor } from './wait-for.ts';

type Settings = Record<string, Record<string, unknown> | string>;

export async function settingsOf(cluster: DemoCluster, name: string): Promise<Settings> {
  const { config } = demoMember(await openDemo(cluster.dir), name);
  return parse(await readFile(config, 'utf8')) as Settings;
}

/** An agent that nobody keeps running, as a person starts it by hand; it is killed at the end of the scope. */
export class LoneAgent implements AsyncDisposable {
  readonly #process;
  #text = '';

  private constructor(file: string) {
    this.#process = execa(process.execPath, [MAIN, 'run', '--config', file], {
      all: true,
      reject: false,
      // As the demo's supervisor: nothing of this process's own environment.
      extendEnv: false,
      env: { PATH: process.env.PATH ?? '' },
    });
    this.#process.all.on('data', (chunk) => {
      this.#text += chunk;
    });
  }

  static async start(file: string, settings: Settings): Promise<LoneAgent> {
    await writeFile(file, stringify(settings));
    return new LoneAgent(file);
  }

  /** What it wrote. */
  get text(): string {
    return this.#text;
  }

  /** Its exit code, once it has ended by itself. */
  async ended(timeoutMillis = 30_000): Promise<number> {
    await waitFor(
      `the agent to end; it said: ${this.#text.slice(-500)}`,
      () => this.#process.exitCode !== null,
      {
        timeoutMillis,
      },
    );
    return this.#process.exitCode ?? -1;
  }

  async says(pattern: RegExp, timeoutMillis = 30_000): Promise<void> {
    await waitFor(`the agent to say ${pattern}`, () => pattern.test(this.#text), { timeoutMillis });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process;
  }
}
