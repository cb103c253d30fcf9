import type { Millis } from '../ha/units.ts';

/** A sleep that can be ended early. A wake that comes while nobody sleeps ends the next sleep at once. */
export class Wakeup {
  #pending = false;
  #rouse: (() => void) | null = null;

  wake(): void {
    this.#pending = true;
    this.#rouse?.();
  }

  /**
   * Sleeps for `duration` (for ever if null) until woken or aborted; never rejects. True: it was woken.
   * One sleeper at a time.
   */
  sleep(duration: Millis | null, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#rouse = null;
        const woken = this.#pending;
        this.#pending = false;
        resolve(woken);
      };
      this.#rouse = end;
      if (this.#pending || signal.aborted) {
        end();
        return;
      }
      signal.addEventListener('abort', end, { once: true });
      if (duration !== null) timer = setTimeout(end, Math.max(0, duration));
    });
  }
}
