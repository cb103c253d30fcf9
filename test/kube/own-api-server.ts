import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Binaries } from './binaries.ts';
import type { ClientConfiguration } from './client-configuration.ts';

const READY_WITHIN = 90_000;
const STOP_WITHIN = 10_000;

/** An etcd and a kube-apiserver of this test alone: on free ports, in a temporary directory. */
export class OwnApiServer implements AsyncDisposable {
  readonly #binaries: Binaries;
  readonly #directory: string;
  readonly #ports: { readonly api: number; readonly etcd: number; readonly peer: number };
  readonly #token = randomUUID();
  readonly #processes = new Map<string, ChildProcess>();

  private constructor(binaries: Binaries, directory: string, ports: OwnApiServer['ports']) {
    this.#binaries = binaries;
    this.#directory = directory;
    this.#ports = ports;
    // A test run that is interrupted leaves nothing behind.
    process.once('exit', this.#kill);
  }

  static async start(binaries: Binaries): Promise<OwnApiServer> {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-kube-'));
    const [api = 0, etcd = 0, peer = 0] = await freePorts(3);
    const server = new OwnApiServer(binaries, directory, { api, etcd, peer });
    try {
      await server.#writeKeys();
      server.#startEtcd();
      await server.#startApi();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ports(): { readonly api: number; readonly etcd: number; readonly peer: number } {
    return this.#ports;
  }

  async configuration(): Promise<ClientConfiguration> {
    const ca = await readFile(join(this.#directory, 'certificates', 'apiserver.crt'), 'utf8');
    return { server: `https://127.0.0.1:${this.#ports.api}`, ca, cert: null, key: null, token: this.#token };
  }

  /** Ends the API server and starts another on the same etcd: what it had in memory is forgotten. */
  async restart(): Promise<void> {
    await this.#stop('kube-apiserver');
    await this.#startApi();
  }

  /** Sends a signal to the kube-apiserver process, for example SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#processes.get('kube-apiserver')?.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of ['kube-apiserver', 'etcd']) await this.#stop(name);
    process.off('exit', this.#kill);
    await rm(this.#directory, { recursive: true, force: true });
  }

  readonly #kill = (): void => {
    for (const child of this.#processes.values()) child.kill('SIGKILL');
  };

  async #writeKeys(): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    await writeFile(join(this.#directory, 'accounts.key'), privateKey, { mode: 0o600 });
    await writeFile(join(this.#directory, 'accounts.pub'), publicKey);
    await writeFile(join(this.#directory, 'tokens.csv'), `${this.#token},tester,1,"system:masters"\n`, {
      mode: 0o600,
    });
  }

  #startEtcd(): void {
    const { etcd, peer } = this.#ports;
    const [client, between] = [`http://127.0.0.1:${etcd}`, `http://127.0.0.1:${peer}`];
    this.#spawn('etcd', this.#binaries.etcd, [
      `--data-dir=${join(this.#directory, 'etcd')}`,
      // Only the speed of the tests depends on it.
      '--unsafe-no-fsync',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${between}`,
      `--initial-advertise-peer-urls=${between}`,
      `--initial-cluster=default=${between}`,
    ]);
  }

  async #startApi(): Promise<void> {
    const at = (name: string): string => join(this.#directory, name);
    this.#spawn('kube-apiserver', this.#binaries.apiServer, [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${this.#ports.api}`,
      `--cert-dir=${at('certificates')}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${at('accounts.key')}`,
      `--service-account-key-file=${at('accounts.pub')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--endpoint-reconciler-type=none',
      // Without a controller manager there is no ServiceAccount that a pod could run as.
      '--disable-admission-plugins=ServiceAccount',
    ]);
    await this.#ready();
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + READY_WITHIN;
    while (performance.now() < deadline) {
      const gone = [...this.#processes].find(
        ([, child]) => child.exitCode !== null || child.signalCode !== null,
      );
      if (gone !== undefined) throw new Error(`${gone[0]} has ended: ${await this.#tail(gone[0])}`);
      if (await this.#isReady()) return;
      await sleep(100);
    }
    throw new Error(`kube-apiserver was not ready in time: ${await this.#tail('kube-apiserver')}`);
  }

  async #isReady(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const headers = { authorization: `Bearer ${this.#token}` };
    // The certificate may not be there yet: asked is only whether it serves.
    const options = {
      port: this.#ports.api,
      path: '/readyz',
      headers,
      rejectUnauthorized: false,
      agent: false,
    };
    const call = request({ host: '127.0.0.1', ...options }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on('error', () => resolve(false)).end();
    return await promise;
  }

  #spawn(name: string, path: string, args: readonly string[]): void {
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(this.#directory, `${name}.log`), { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('close', () => log.end());
    child.on('error', () => undefined); // Told by the wait for readiness: it has no exit code then, but never serves.
    this.#processes.set(name, child);
  }

  async #stop(name: string): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
    await closed;
    clearTimeout(insist);
  }

  async #tail(name: string): Promise<string> {
    const text = await readFile(join(this.#directory, `${name}.log`), 'utf8').catch(() => '');
    return text.trim().split('\n').slice(-5).join(' | ');
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  for (const server of servers) server.close();
  return ports;
}
