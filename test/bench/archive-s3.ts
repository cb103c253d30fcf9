import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { S3Settings } from '../../src/archive/store/s3/client.ts';
import { freePort } from '../s3/server.ts';

export const BUCKET = 'bench';
export const ACCESS_KEY = 'bench-access-key';
export const SECRET_KEY = 'bench-secret-key';
export const REGION = 'us-east-1';
const READY_WITHIN = 20_000;

/** versitygw with a certificate of its own: pgbackrest speaks to S3 by TLS alone, so both do. */
export class TlsS3 implements AsyncDisposable {
  readonly port: number;
  readonly settings: S3Settings;
  readonly #end: () => Promise<void>;

  private constructor(port: number, settings: S3Settings, end: () => Promise<void>) {
    this.port = port;
    this.settings = settings;
    this.#end = end;
  }

  static async start(binary: string, directory: string): Promise<TlsS3> {
    const port = await freePort();
    const file = (name: string): string => join(directory, name);
    await mkdir(join(directory, 'data', BUCKET), { recursive: true });
    await writeFile(file('access'), `${ACCESS_KEY}\n`);
    await writeFile(file('secret'), `${SECRET_KEY}\n`);
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const files = ['-keyout', file('key'), '-out', file('cert')];
    await execa('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      ...['-nodes', '-days', '2', ...files, ...subject],
    ]);
    const args = ['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet'];
    const tls = ['--cert', file('cert'), '--key', file('key')];
    const child = spawn(binary, [...args, ...tls, 'posix', join(directory, 'data')], {
      env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
      stdio: 'ignore',
    });
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    const until = Date.now() + READY_WITHIN;
    while (!(await answers(port))) {
      if (child.exitCode !== null || Date.now() > until) throw new Error('versitygw does not answer');
      await sleep(50);
    }
    const settings: S3Settings = {
      endpoint: `https://localhost:${port}`,
      region: REGION,
      pathStyle: true,
      caFile: file('cert'),
      credentials: {
        accessKeyIdFile: file('access'),
        secretAccessKeyFile: file('secret'),
        sessionTokenFile: null,
      },
      storageClass: null,
      serverSideEncryption: null,
      kmsKeyId: null,
    };
    return new TlsS3(port, settings, async () => {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      kill();
      await ended;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
  return await promise.finally(() => socket.destroy());
}
