import { type Range, sweep } from './sweep.ts';
import type { Tally } from './tally.ts';

/** What a worker answers to a portion. */
export type Answer = { readonly tally: Tally } | { readonly failed: string };

/**
 * The part of a sweep that runs in a process of its own, since the worlds of a process share its globals. Runs what its
 * parent sends until that closes the channel. An interrupt from the keyboard reaches it as well; when to stop is its
 * parent's to say.
 */
export async function work(): Promise<number> {
  const gone = Promise.withResolvers<number>();
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => gone.resolve(0));
  process.on('message', (portion: Range) => {
    sweep(portion, () => !process.connected).then(
      (tally) => answer({ tally }),
      (error: unknown) => answer({ failed: String((error as Error).stack) }),
    );
  });
  return await gone.promise;
}

function answer(what: Answer): void {
  if (process.connected) process.send?.(what);
}
