import { InterruptedError } from './errors.ts';

/** Runs `work` with a signal that Ctrl-C (SIGINT), SIGTERM or a closed terminal aborts, with InterruptedError. */
export async function interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new InterruptedError());
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.once(name, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Node's own waits wrap the reason in an AbortError.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const name of signals) process.removeListener(name, stop);
  }
}
