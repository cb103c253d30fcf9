import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { APPLICATION_DATABASE, APPLICATION_USER } from '../../../src/demo/member-config.ts';
import { type DemoCluster, MAIN } from '../cluster.ts';
import { connectTo, type MultiHostUrl, parseMultiHostUrl } from '../connect.ts';
import { waitFor } from '../wait-for.ts';

/** A `pgwarden pooler` with the real PgBouncer in front of a demo cluster. */
export class RunningPooler implements AsyncDisposable {
  readonly port: number;
  readonly password: string;
  readonly #directory: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(directory: string, port: number, password: string, child: ChildProcess) {
    this.#directory = directory;
    this.port = port;
    this.password = password;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
  }

  /** Starts it, and waits until clients get through. */
  static async start(cluster: DemoCluster, ...more: readonly string[]): Promise<RunningPooler> {
    const { members, url } = await cluster.describe();
    const { password } = parseMultiHostUrl(url);
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-pooler-'));
    const secret = join(directory, 'password');
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    const port = await freePort();
    const args = ['pooler', '--members', members.map(({ http }) => http).join(',')];
    args.push('--database', APPLICATION_DATABASE, '--user', `${APPLICATION_USER}=${secret}`);
    args.push('--directory', join(directory, 'run'), '--listen', '127.0.0.1', '--port', String(port));
    // mkdtemp's directories are their owner's alone, and the pooler gives root up.
    await chmod(directory, 0o711);
    const child = spawn(process.execPath, [MAIN, ...args, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    const pooler = new RunningPooler(directory, port, password, child);
    try {
      await waitFor('the pooler to let clients through', async () => {
        if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
        const client = await connectTo(pooler.target(), { host: '127.0.0.1', port });
        await client.query('select 1').finally(() => client.end());
        return true;
      });
      return pooler;
    } catch (error) {
      await pooler[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}\n${pooler.output}`, { cause: error });
    }
  }

  /** What it printed, PgBouncer's lines included. */
  get output(): string {
    return this.#output;
  }

  /** `suffix`: `_ro` for readers. */
  target(suffix = ''): MultiHostUrl {
    return {
      user: APPLICATION_USER,
      password: this.password,
      database: `${APPLICATION_DATABASE}${suffix}`,
      hosts: [{ host: '127.0.0.1', port: this.port }],
      targetSessionAttrs: 'any',
      connectTimeoutMillis: 10_000,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      await ended;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return address.port;
}
