import { setTimeout as delay } from 'node:timers/promises';
import { InterruptedWorkError } from './errors.ts';

/** A signal that fires with the caller's, or after `ms` milliseconds. */
export function bounded(ms: number, signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

/** Sleeps; rejects with an `InterruptedWorkError` that names `what` when the signal fires first. */
export async function pause(ms: number, what: string, signal: AbortSignal): Promise<void> {
  throwIfAborted(what, signal);
  try {
    await delay(ms, undefined, { signal });
  } catch {
    throw new InterruptedWorkError(what, signal.reason);
  }
}

/** Polls until `look` returns something else than null; returns it. */
export async function until<T>(
  what: string,
  interval: number,
  signal: AbortSignal,
  look: () => Promise<T | null> | T | null,
): Promise<T> {
  for (;;) {
    throwIfAborted(what, signal);
    const found = await look();
    if (found !== null) return found;
    await pause(interval, what, signal);
  }
}

export function throwIfAborted(what: string, signal: AbortSignal): void {
  if (signal.aborted) throw new InterruptedWorkError(what, signal.reason);
}

/** The promise's outcome, or null after `ms` milliseconds; the promise goes on. */
export async function orNullAfter<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
