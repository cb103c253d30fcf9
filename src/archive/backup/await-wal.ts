import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveError } from '../errors.ts';
import { walName } from '../layout.ts';
import { variantOf, type WalArchive } from '../wal/push-file.ts';
import { BackupWalMissingError } from './errors.ts';
import type { Alternatives } from './needed-wal.ts';

const LOOK_EVERY = 1_000;

export interface AwaitWalOptions {
  readonly archive: WalArchive;
  readonly files: readonly string[];
  /** The segment of the stop, and where it may be instead by now. */
  readonly last: { readonly file: string; instead(): Promise<Alternatives> };
  /** Milliseconds. */
  readonly within: number;
  /** Called at first, and now and then while files are missing: has the primary end the segment that it writes. */
  nudge(signal: AbortSignal): Promise<void>;
  onMissing(files: number): void;
}

const NUDGE_EVERY = 30_000;

/** Returns when the archive has every file. @throws BackupWalMissingError */
export async function awaitWal(options: AwaitWalOptions, signal: AbortSignal): Promise<void> {
  const { archive, within } = options;
  const began = performance.now();
  let nudgedAt = Number.NEGATIVE_INFINITY;
  let missing = [...options.files];
  for (;;) {
    missing = await stillMissing(archive, missing, signal);
    if (missing.length === 1 && missing[0] === options.last.file)
      missing = await unlessInstead(options, signal);
    options.onMissing(missing.length);
    if (missing.length === 0) return;
    const now = performance.now();
    if (now - began > within) throw new BackupWalMissingError(missing, Math.round(within / 1000));
    if (now - nudgedAt > NUDGE_EVERY) {
      await options.nudge(signal);
      nudgedAt = now;
    }
    await sleep(LOOK_EVERY, undefined, { signal });
  }
}

async function unlessInstead({ archive, last }: AwaitWalOptions, signal: AbortSignal): Promise<string[]> {
  for (const files of await last.instead())
    if ((await stillMissing(archive, files, signal)).length === 0) return [];
  return [last.file];
}

/** A store that is away for a moment is asked again: WAL waits for it, too. */
async function stillMissing(
  { store, codec }: WalArchive,
  files: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const missing: string[] = [];
  for (const [index, file] of files.entries()) {
    try {
      if ((await variantOf(store, codec, walName(file), signal)) === null) missing.push(file);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ArchiveError) || !error.transient) throw error;
      return [...missing, ...files.slice(index)];
    }
  }
  return missing;
}
