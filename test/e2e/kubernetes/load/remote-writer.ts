import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { WriterOptions } from '../../writer.ts';
import type { Reply, Request, Told } from './protocol.ts';

/**
 * Where the load runs: in a pod, driven by `kubectl exec`, or on this machine, which reaches Services and pods where it
 * has the nodes of test/kube. What is in a pod ends a minute after the API server stands still.
 */
export type Place = 'here' | { readonly namespace: string; readonly pod: string };

/** A write load that runs as clients of the cluster do: through its Services and its network. */
export class RemoteWriter {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #replies: AsyncIterator<string>;
  #stderr = '';
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    // It is gone: the next request says so.
    child.stdin.on('error', () => {});
  }

  static async start(place: Place, url: string, options: WriterOptions = {}): Promise<RemoteWriter> {
    const [command, ...args] = commandOf(place);
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const writer = new RemoteWriter(child);
    try {
      await writer.#ask({ op: 'start', url, options });
    } catch (error) {
      writer.kill();
      throw error;
    }
    return writer;
  }

  async now(): Promise<number> {
    return (await this.#ask({ op: 'now' })) as number;
  }

  async waitForWrites(count: number, timeoutMillis = 60_000): Promise<void> {
    await this.#ask({ op: 'wait', count, timeoutMillis });
  }

  /** Milliseconds of the longest stretch without an acknowledgement that ended after `since`. */
  async longestGap(since: number): Promise<number> {
    return (await this.#ask({ op: 'gap', since })) as number;
  }

  async stop(): Promise<Told> {
    return (await this.#ask({ op: 'stop' })) as Told;
  }

  async missingAt(url: string): Promise<readonly number[]> {
    return (await this.#ask({ op: 'missing', url })) as readonly number[];
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** One request at a time: replies come in the order of requests. */
  async #ask(request: Request): Promise<unknown> {
    const turn = this.#turn.then(async () => {
      this.#child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await this.#replies.next();
      if (done) throw new Error(`the load ended: ${this.#stderr}`);
      const reply = JSON.parse(value) as Reply;
      if ('error' in reply) throw new Error(`the load: ${reply.error}`);
      return reply.ok;
    });
    this.#turn = turn.catch(() => {});
    return await turn;
  }
}

function commandOf(place: Place): readonly [string, ...string[]] {
  if (place === 'here') return [process.execPath, join(import.meta.dirname, 'program.ts')];
  return ['kubectl', '-n', place.namespace, 'exec', '-i', place.pod, '--', 'node', '/load/program.mjs'];
}
