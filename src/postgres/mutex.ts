/** Runs one piece of work after the other, in the order of asking. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(work, work);
    // The next in line starts whatever came of this one; its outcome is the caller's to handle.
    this.#tail = mine.catch(() => undefined);
    return mine;
  }
}
