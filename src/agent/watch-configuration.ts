import { readFile } from 'node:fs/promises';
import { millis } from '../ha/units.ts';
import type { Clock } from '../kubernetes/clock.ts';

/** In milliseconds. */
const PACE = 5_000;

/**
 * Tells when the content of a file has changed and come to rest. It is read, not watched: Kubernetes exchanges a mounted
 * ConfigMap by a link two folders above the file, which no watch of the file itself tells of.
 */
export class SettledChange {
  readonly #path: string;
  #last: string | null = null;
  #told: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * True once a content: at the second look in a row that finds it, since an editor may be in the middle of writing.
   * The first content counts as new: it may have changed since it was loaded. A file that cannot be read has not changed.
   */
  async look(): Promise<boolean> {
    let content: string;
    try {
      content = await readFile(this.#path, 'utf8');
    } catch {
      return false;
    }
    const rests = content === this.#last;
    this.#last = content;
    if (!rests || content === this.#told) return false;
    this.#told = content;
    return true;
  }
}

/** Has the configuration read again whenever its file has changed, until `signal` aborts. What is refused was logged. */
export async function watchConfiguration(
  path: string,
  reload: () => Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const change = new SettledChange(path);
  while (!signal.aborted) {
    if (await change.look()) await reload().catch(() => undefined);
    await clock.sleep(millis(PACE), signal);
  }
}
