import { setTimeout as sleep } from 'node:timers/promises';
import { DidNotHappenError, UnreachableError } from './errors.ts';
import type { Progress } from './output/progress.ts';

const POLL_MILLIS = 250;

/** A wish that vanished is judged given up only after this: an agent's view may be a moment behind. */
export const SETTLING_MILLIS = 3000;

/** What one look at the cluster says about the thing waited for. */
export interface Look<Result> {
  /** Set once it happened. */
  readonly done?: Result;
  /** What was seen, for the progress line. */
  readonly seen: string;
}

export interface WaitOptions {
  /** What is waited for, as the subject of a sentence: "the switchover". */
  readonly what: string;
  readonly timeoutSeconds: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Looks again and again until `look` says that it happened. Agents that are away for the moment are part of most
 * changes: only the deadline ends the wait. Throws DidNotHappenError after `timeoutSeconds`, and whatever else
 * `look` throws at once.
 */
export async function waitFor<Result>(
  look: (signal: AbortSignal) => Promise<Look<Result>>,
  { what, timeoutSeconds, progress, signal }: WaitOptions,
): Promise<Result> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  let seen = 'nothing yet';
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      const result = await look(signal);
      if (result.done !== undefined) return result.done;
      seen = result.seen;
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      seen = error.message;
    }
    progress.update(`${what}: ${seen}`);
    await sleep(POLL_MILLIS, undefined, { signal });
  }
  throw new DidNotHappenError(what, timeoutSeconds, seen);
}
