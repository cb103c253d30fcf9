import { Worker } from 'node:worker_threads';

/** Keeps so many cores of the machine busy, at the priority of everybody else, until it is disposed of. */
export class Burners implements AsyncDisposable {
  readonly #workers: readonly Worker[];

  /** Threads, not processes: they end with this one, whatever becomes of it. */
  constructor(count: number) {
    this.#workers = Array.from({ length: count }, () => new Worker('for (;;);', { eval: true }));
  }

  get count(): number {
    return this.#workers.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
