import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';

const ENTRY = fileURLToPath(new URL('serve-entry.ts', import.meta.url));

/** An embedded API in a process of its own, to be killed and stopped. */
export class ApiProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** `fileLimit`: KiB that a file may have; a longer one cannot be written, as on a full disk. */
  static async start(
    directory: string,
    port = 0,
    compactAfter = 1_000_000,
    fileLimit: number | 'unlimited' = 'unlimited',
  ): Promise<ApiProcess> {
    const args = [process.execPath, ENTRY, directory, String(port), String(compactAfter)];
    const limited = ['-c', `trap '' XFSZ; ulimit -f ${fileLimit}; exec "$@"`, 'bash', ...args];
    const child = spawn('bash', limited, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      complaint += text;
    });
    const [first] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'close')]);
    if (typeof first !== 'string') throw new Error(`the process has ended: ${complaint}`);
    const url = first;
    return new ApiProcess(child, url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get configuration(): ClientConfiguration {
    return { server: this.url, ca: null, cert: null, key: null, token: null };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the process to end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const closed = once(this.#child, 'close');
      this.#child.kill(signal);
      await closed;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }
}
