import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APPLICATION_DATABASE, APPLICATION_USER } from '../../../src/demo/member-config.ts';
import { type DemoCluster, MAIN } from '../cluster.ts';
import { type MultiHostUrl, parseMultiHostUrl } from '../connect.ts';
import { freePort, RunningProgram } from './running-program.ts';
import { targetOf, untilOpen } from './target.ts';

/** A `pgwarden pooler` with the real PgBouncer in front of a demo cluster. */
export class RunningPooler implements AsyncDisposable {
  readonly #directory: string;
  readonly #program: RunningProgram;
  readonly #target: MultiHostUrl;

  private constructor(directory: string, program: RunningProgram, target: MultiHostUrl) {
    this.#directory = directory;
    this.#program = program;
    this.#target = target;
  }

  /** Starts it, and waits until clients get through. */
  static async start(cluster: DemoCluster): Promise<RunningPooler> {
    const { members, url } = await cluster.describe();
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-pooler-'));
    const secret = join(directory, 'password');
    await writeFile(secret, `${parseMultiHostUrl(url).password}\n`, { mode: 0o600 });
    const port = await freePort();
    const args = ['pooler', '--members', members.map(({ http }) => http).join(',')];
    args.push('--database', APPLICATION_DATABASE, '--user', `${APPLICATION_USER}=${secret}`);
    args.push('--directory', join(directory, 'run'), '--listen', '127.0.0.1', '--port', String(port));
    // mkdtemp's directories are their owner's alone, and the pooler gives root up.
    await chmod(directory, 0o711);
    const program = new RunningProgram(process.execPath, [MAIN, ...args]);
    const pooler = new RunningPooler(directory, program, targetOf(url, port));
    await untilOpen(pooler);
    return pooler;
  }

  /** What it printed, PgBouncer's lines included. */
  get output(): string {
    return this.#program.output;
  }

  get isRunning(): boolean {
    return this.#program.isRunning;
  }

  /** `suffix`: `_ro` for readers. */
  target(suffix = ''): MultiHostUrl {
    return { ...this.#target, database: `${this.#target.database}${suffix}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
