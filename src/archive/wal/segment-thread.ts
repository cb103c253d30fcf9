import { Worker } from 'node:worker_threads';
import type { FromSegmentThread, SegmentAnswer, ToSegmentThread } from './segment-worker.ts';

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

/** The thread cannot run (the user that the agent became may not read its file), or ended. */
export class ThreadEndedError extends Error {}

/** What the thread could not do, as it said. `code`: of the file system or of zlib. */
export class SegmentWorkError extends Error {
  readonly code: string | null;
  readonly isOfFile: boolean;

  constructor(message: string, code: string | null, isOfFile: boolean) {
    super(message);
    this.code = code;
    this.isOfFile = isOfFile;
  }
}

/** Omits from each member of a union. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A thread that works on segments, one after the other. It is there while there is work, and ends when idle. */
export class SegmentThread {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, PromiseWithResolvers<SegmentAnswer>>();
  #next = 1;
  #idle: NodeJS.Timeout | null = null;
  readonly #onEnd: () => void;

  /** `onEnd`: it ended, or will; what was kept for it is of no use for now. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** @throws SegmentWorkError, ThreadEndedError */
  async ask(work: Without<ToSegmentThread, 'id'>): Promise<SegmentAnswer> {
    const answer = Promise.withResolvers<SegmentAnswer>();
    const id = this.#next++;
    this.#waiting.set(id, answer);
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#worker ??= this.#start();
    this.#worker.postMessage({ ...work, id });
    return await answer.promise;
  }

  /** Whoever still waits is told that it ended. */
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
    worker.on('message', (said: FromSegmentThread) => this.#hear(said));
    worker.on('error', () => this.#ended(worker));
    worker.on('exit', () => this.#ended(worker));
    return worker;
  }

  #hear(said: FromSegmentThread): void {
    const work = this.#waiting.get(said.id);
    this.#waiting.delete(said.id);
    if ('answer' in said) work?.resolve(said.answer);
    else work?.reject(new SegmentWorkError(said.message, said.code, said.isOfFile));
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
    this.#onEnd();
  }
}
