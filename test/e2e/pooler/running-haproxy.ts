import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoCluster } from '../cluster.ts';
import type { MultiHostUrl } from '../connect.ts';
import { freePort, RunningProgram } from './running-program.ts';
import { targetOf, untilOpen } from './target.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'manifests', 'examples', 'haproxy.cfg');

/** HAProxy with the example of the documentation; only addresses and ports are a demo cluster's. */
export class RunningHaproxy implements AsyncDisposable {
  readonly writePort: number;
  readonly readPort: number;
  readonly #directory: string;
  readonly #program: RunningProgram;
  readonly #url: string;

  private constructor(
    directory: string,
    program: RunningProgram,
    url: string,
    ports: { readonly write: number; readonly read: number },
  ) {
    this.#directory = directory;
    this.#program = program;
    this.#url = url;
    this.writePort = ports.write;
    this.readPort = ports.read;
  }

  static async start(cluster: DemoCluster): Promise<RunningHaproxy> {
    const { members, url } = await cluster.describe();
    const ports = { write: await freePort(), read: await freePort() };
    let text = (await readFile(EXAMPLE, 'utf8'))
      .replace('bind :5000', `bind 127.0.0.1:${ports.write}`)
      .replace('bind :5001', `bind 127.0.0.1:${ports.read}`);
    for (const { name, host, port, http } of members)
      text = text.replaceAll(
        new RegExp(`server ${name} .*`, 'g'),
        `server ${name} ${host}:${port} check port ${new URL(http).port}`,
      );
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-haproxy-'));
    const file = join(directory, 'haproxy.cfg');
    await writeFile(file, text);
    const program = new RunningProgram('/usr/sbin/haproxy', ['-f', file, '-db']);
    const haproxy = new RunningHaproxy(directory, program, url, ports);
    await untilOpen(haproxy);
    return haproxy;
  }

  get output(): string {
    return this.#program.output;
  }

  get isRunning(): boolean {
    return this.#program.isRunning;
  }

  target(use: 'write' | 'read' = 'write'): MultiHostUrl {
    return targetOf(this.#url, use === 'write' ? this.writePort : this.readPort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
