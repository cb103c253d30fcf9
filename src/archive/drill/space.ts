import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { NoSpaceError } from './errors.ts';

/** Milliseconds between two looks at the volume. */
const LOOK = 500;
/** What a backup takes beyond its files: WAL that is fetched ahead, and what recovery writes. */
const BESIDES = 1.1;
/** Where a backup does not tell how large it is: data compresses to about a quarter. */
const EXPANSION = 5;

export interface Space {
  readonly free: number;
  readonly total: number;
}

export async function spaceAt(path: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { free: bavail * bsize, total: blocks * bsize };
}

/** How much room a backup of this size takes, with its WAL. Bytes. */
export function roomFor(originalBytes: number | null, storedBytes: number, walBytes: number): number {
  return Math.ceil(Math.max(originalBytes ?? storedBytes * EXPANSION, storedBytes) * BESIDES) + walBytes;
}

/** Refuses to begin what would leave less than `keepFree` (a share from 0 to 1). @throws NoSpaceError */
export function requireRoom({ free, total }: Space, needed: number, keepFree: number): void {
  const left = free - needed;
  if (left >= total * keepFree) return;
  throw new NoSpaceError(
    `it needs ${mb(needed)} MB, of which the volume has ${mb(free)} MB, and ${Math.round(keepFree * 100)} % of its ${mb(total)} MB are to stay free`,
  );
}

/** Resolves when the signal fires. @throws NoSpaceError as soon as less than `keepFree` of the volume is free */
export async function watchSpace(path: string, keepFree: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { free, total } = await spaceAt(path);
    if (free < total * keepFree)
      throw new NoSpaceError(
        `only ${mb(free)} MB of ${mb(total)} MB of the volume are free, and ${Math.round(keepFree * 100)} % are to stay so`,
      );
    await sleep(LOOK, undefined, { signal }).catch(() => undefined);
  }
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
