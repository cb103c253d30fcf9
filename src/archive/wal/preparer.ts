import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { type Compression, compressBytes } from '../codec/compression.ts';
import type { FromPreparer, ToPreparer } from './segment-worker.ts';
import { sha256Of } from './sha256.ts';

/** A file of pg_wal, ready to be stored. */
export interface Prepared {
  /** Of the original bytes, in hex. */
  readonly sha256: string;
  /** Compressed. */
  readonly bytes: Uint8Array;
}

/** Milliseconds without work after which the thread ends, and with it what it holds in memory. */
const IDLE = 30_000;
/**
 * Of the thread's heap, which stays almost empty: half of it is what V8 lets the memory of buffers grow to before it
 * collects everything at once (`Heap::external_memory_hard_limit`). A limit of two segments had it do so for each.
 */
const HEAP_MB = 512;

/** Beside this file in the source; an entry of its own beside the bundle. */
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? './segment-worker.ts' : './segment-worker.js',
  import.meta.url,
);

/**
 * Reads, hashes and compresses segments in a thread of its own, one after the other: there it costs half of what it
 * does by the pool (which copies and clears a buffer for each step), and holds up neither the agent's loop nor the pool.
 */
export class Preparer {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, PromiseWithResolvers<Prepared>>();
  #next = 1;
  #idle: NodeJS.Timeout | null = null;
  #isBroken = false;

  /** @throws what the file system says */
  async prepare(path: string, compression: Compression): Promise<Prepared> {
    if (!this.#isBroken) {
      try {
        return await this.#inThread(path, compression);
      } catch (error) {
        if (!(error instanceof ThreadEndedError)) throw error;
        this.#isBroken = true;
      }
    }
    return await prepareHere(path, compression);
  }

  async #inThread(path: string, compression: Compression): Promise<Prepared> {
    const work = Promise.withResolvers<Prepared>();
    const id = this.#next++;
    this.#waiting.set(id, work);
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker ??= this.#start();
    const asked: ToPreparer = { id, path, compression };
    this.#worker.postMessage(asked);
    return await work.promise;
  }

  /** Whoever still waits is served without the thread. */
  close(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    const worker = this.#worker;
    if (worker === null) return;
    this.#worker = null;
    void worker.terminate();
    this.#fail();
  }

  #start(): Worker {
    const worker = new Worker(SCRIPT, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    worker.unref();
    worker.on('message', (said: FromPreparer) => this.#hear(said));
    worker.on('error', () => this.#ended(worker));
    worker.on('exit', () => this.#ended(worker));
    return worker;
  }

  #hear(said: FromPreparer): void {
    const work = this.#waiting.get(said.id);
    this.#waiting.delete(said.id);
    if ('bytes' in said) work?.resolve(said);
    else work?.reject(Object.assign(new Error(said.message), { code: said.code }));
    if (this.#waiting.size > 0) return;
    this.#idle = setTimeout(() => this.close(), IDLE);
    this.#idle.unref();
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#fail();
  }

  #fail(): void {
    for (const work of this.#waiting.values()) work.reject(new ThreadEndedError());
    this.#waiting.clear();
  }
}

/** The thread cannot run (the user that the agent became may not read its file), or ended. */
class ThreadEndedError extends Error {}

/** Without a thread of its own: by the pool, at twice the cost. */
export async function prepareHere(path: string, compression: Compression): Promise<Prepared> {
  const original = await readFile(path);
  const sha256 = await sha256Of(original);
  return { sha256, bytes: await compressBytes(compression, original) };
}
