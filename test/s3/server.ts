import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Settings } from '../../src/archive/store/s3/client.ts';
import { findS3Server, NoS3Server } from './binary.ts';

const READY_WITHIN = 20_000;
const ACCESS_KEY = 'test-access-key';
const SECRET_KEY = 'test-secret-key';
export const BUCKET = 'archive';

export type Obtained =
  | { readonly server: S3Server; readonly reason: null }
  /** There is none; `reason` is for `context.skip(reason)`. */
  | { readonly server: null; readonly reason: string };

/**
 * A real S3 server for this test. Give the hook that calls this 12 minutes: a first build takes one or two. `beforeStart`
 * is called between build and start: whoever gives up root does it there.
 */
export async function obtainS3Server(beforeStart = (): void => undefined): Promise<Obtained> {
  try {
    const binary = await findS3Server().finally(beforeStart);
    return { server: await S3Server.start(binary), reason: null };
  } catch (error) {
    if (error instanceof NoS3Server) return { server: null, reason: error.message };
    throw error;
  }
}

/** versitygw over a temporary directory, with one bucket, on a port of its own. */
export class S3Server implements AsyncDisposable {
  readonly #binary: string;
  readonly #directory: string;
  readonly port: number;
  #process: ChildProcess | null = null;
  readonly #kill = (): void => void this.#process?.kill('SIGKILL');

  private constructor(binary: string, directory: string, port: number) {
    this.#binary = binary;
    this.#directory = directory;
    this.port = port;
    // A test run that is interrupted leaves nothing behind.
    process.once('exit', this.#kill);
  }

  static async start(binary: string): Promise<S3Server> {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-s3-'));
    const server = new S3Server(binary, directory, await freePort());
    await mkdir(join(directory, 'data', BUCKET), { recursive: true });
    await writeFile(join(directory, 'access'), `${ACCESS_KEY}\n`);
    await writeFile(join(directory, 'secret'), `${SECRET_KEY}\n`);
    await server.resume();
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where the bucket's objects lie as files. */
  get data(): string {
    return join(this.#directory, 'data');
  }

  /** Settings to reach it, or a proxy before it. */
  settings(endpoint = this.endpoint): S3Settings {
    return {
      endpoint,
      region: 'us-east-1',
      pathStyle: true,
      caFile: null,
      credentials: {
        accessKeyIdFile: join(this.#directory, 'access'),
        secretAccessKeyFile: join(this.#directory, 'secret'),
        sessionTokenFile: null,
      },
      storageClass: null,
      serverSideEncryption: null,
      kmsKeyId: null,
    };
  }

  /** Kills it: nobody listens from then on. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Starts it (again) over the same data. */
  async resume(): Promise<void> {
    const child = spawn(
      this.#binary,
      ['--port', `127.0.0.1:${this.port}`, '--keep-alive', '--quiet', 'posix', this.data],
      {
        env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#process = child;
    let said = '';
    child.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-2000);
    });
    const until = Date.now() + READY_WITHIN;
    while (!(await this.#answers())) {
      if (child.exitCode !== null) throw new Error(`versitygw ended with ${child.exitCode}: ${said}`);
      if (Date.now() > until) throw new Error(`versitygw does not answer: ${said}`);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    process.off('exit', this.#kill);
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    return await fetch(this.endpoint).then(
      () => true,
      () => false,
    );
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
