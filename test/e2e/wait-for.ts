import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitForOptions {
  readonly timeoutMillis?: number;
  readonly intervalMillis?: number;
}

/**
 * Waits until `condition` gives something that is neither false nor null nor undefined, and returns that. A
 * condition that throws counts as not yet; the last error is the cause of the one after the timeout.
 */
export async function waitFor<Result>(
  what: string,
  condition: () => Promise<Result | false | null | undefined> | Result | false | null | undefined,
  { timeoutMillis = 60_000, intervalMillis = 100 }: WaitForOptions = {},
): Promise<Result> {
  const deadline = performance.now() + timeoutMillis;
  let cause: unknown;
  for (;;) {
    try {
      const result = await condition();
      if (result !== false && result !== null && result !== undefined) return result;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`not within ${timeoutMillis} ms: ${what}${why}`, { cause });
    }
    await sleep(intervalMillis);
  }
}
