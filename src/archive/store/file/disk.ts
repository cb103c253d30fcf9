import { StoreUnreachableError } from '../../errors.ts';

/** Of the four threads that all files of this process share: promises and settings are written by the others. */
const AT_ONCE = 2;
/** Milliseconds without an answer of one call. */
const HANGS_AFTER = 30_000;

/**
 * The calls of one mounted file system, which may hang for ever (a network file system whose server is away), and
 * cannot be aborted: each holds a thread until it returns. So there are few of them at a time, each is waited for only
 * so long, and while all of them hang the next one is refused at once.
 */
export class Disk {
  readonly #store: string;
  readonly #hangsAfter: number;
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  #running = 0;
  #hanging = 0;

  constructor(store: string, hangsAfter = HANGS_AFTER) {
    this.#store = store;
    this.#hangsAfter = hangsAfter;
  }

  /** Makes a call. What it opens after it was given up is closed by `undo`. @throws StoreUnreachableError */
  async call<T>(
    work: () => Promise<T>,
    signal?: AbortSignal,
    undo: (late: T) => void = () => undefined,
  ): Promise<T> {
    await this.#slot(signal);
    const end = Promise.withResolvers<never>();
    let isGivenUp = false;
    const giveUp = (error: unknown): void => {
      if (isGivenUp) return;
      isGivenUp = true;
      this.#hanging += 1;
      if (this.#hanging >= AT_ONCE) for (const one of this.#waiting.splice(0)) one.reject(this.#hangs());
      end.reject(error);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const timer = setTimeout(() => giveUp(this.#hangs()), this.#hangsAfter);
    signal?.addEventListener('abort', onAbort, { once: true });
    const running = work();
    // It ended while this one waited for its turn.
    if (signal?.aborted === true) onAbort();
    const settled = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (isGivenUp) this.#hanging -= 1;
      this.#running -= 1;
      this.#waiting.shift()?.resolve();
    };
    running.then(
      (late) => {
        settled();
        if (isGivenUp) undo(late);
      },
      () => settled(),
    );
    return await Promise.race([running, end.promise]);
  }

  async #slot(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    while (this.#running >= AT_ONCE) {
      if (this.#hanging >= AT_ONCE) throw this.#hangs();
      const turn = Promise.withResolvers<void>();
      this.#waiting.push(turn);
      const leave = (): void => {
        const index = this.#waiting.indexOf(turn);
        if (index >= 0) this.#waiting.splice(index, 1);
      };
      const onAbort = (): void => {
        leave();
        turn.reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        await turn.promise;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    }
    this.#running += 1;
  }

  #hangs(): StoreUnreachableError {
    return new StoreUnreachableError(this.#store, 'its file system does not answer');
  }
}
