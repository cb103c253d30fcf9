import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveError } from '../errors.ts';
import type { ObjectStore } from '../store/ports.ts';

/** Pauses between tries, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;
/** What no waiting mends. */
const HOPELESS = new Set([
  'ARCHIVE_KEY',
  'ARCHIVE_OBJECT_DAMAGED',
  'ARCHIVE_OBJECT_MISSING',
  'ARCHIVE_SETTINGS',
]);

/**
 * The bytes of an object, through any fault of the store: where it breaks off, it is asked for the rest, for as long as
 * the signal lets it. `onWaiting` is told each time.
 *
 * @throws ArchiveError for what no waiting mends
 */
export async function* steadyBody(
  store: ObjectStore,
  key: string,
  onWaiting: (error: ArchiveError) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let pause = FIRST_PAUSE;
  for (;;) {
    try {
      const { head, body } = await store.get(
        key,
        offset === 0 ? { signal } : { range: { start: offset }, signal },
      );
      // What was read to its last byte before it broke has no rest.
      if (offset > 0 && offset >= head.size) return;
      for await (const piece of body) {
        offset += piece.length;
        pause = FIRST_PAUSE;
        yield piece;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ArchiveError) || HOPELESS.has(error.code)) throw error;
      onWaiting(error);
      await sleep(pause, undefined, { signal });
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    }
  }
}
