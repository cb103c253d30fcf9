import { setVirtual } from './timers.ts';

type Listener = () => void;

/**
 * AbortSignal as the product uses it, on virtual time, and quick: the one of Node keeps weak references and dispatches
 * events.
 */
export class SimSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: Listener[] | null = null;

  addEventListener(_type: 'abort', listener: Listener): void {
    if (this.#listeners === null) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    const listeners = this.#listeners;
    if (listeners === null) return;
    // Mostly the newest: who waits listens, and stops when the wait ends.
    const index = listeners.lastIndexOf(listener);
    if (index < 0) return;
    if (index === listeners.length - 1) listeners.pop();
    else listeners.splice(index, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  fire(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? new Error('aborted');
    const listeners = this.#listeners;
    this.#listeners = null;
    if (listeners !== null) for (const listener of listeners) listener();
  }

  static any(signals: readonly SimSignal[]): SimSignal {
    const result = new SimSignal();
    for (const signal of signals) {
      if (signal.aborted) {
        result.fire(signal.reason);
        return result;
      }
    }
    for (const signal of signals) signal.addEventListener('abort', () => result.fire(signal.reason));
    return result;
  }

  static timeout(duration: number): SimSignal {
    const result = new SimSignal();
    setVirtual(() => result.fire(new Error(`timed out after ${duration} ms`)), duration);
    return result;
  }

  static abort(reason?: unknown): SimSignal {
    const result = new SimSignal();
    result.fire(reason);
    return result;
  }
}

export class SimController {
  readonly signal = new SimSignal();

  abort(reason?: unknown): void {
    this.signal.fire(reason);
  }
}
