/**
 * The promise, or the rejection with the signal's reason as soon as it is aborted. What the promise stands for goes on
 * then, unheard: the caller takes away what it works on.
 */
export async function orAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
