import { BackupCancelledError } from './errors.ts';
import { removeLeftovers } from './leftovers.ts';
import { BackupLock, LOCK_SETTINGS, type LockSettings } from './lock.ts';
import type { WrittenBackup } from './sentinel.ts';
import { type BackupOptions, takeBackup } from './take-backup.ts';

export interface RunOptions extends BackupOptions {
  /** Names of backups that died, which were removed. */
  onRemoved(names: readonly string[]): void;
  readonly lock?: LockSettings;
}

const RELEASE_WITHIN = 15_000;

/**
 * Takes the one backup that runs in a cluster: the lock first, then what others left half-done is cleared, then the
 * backup itself.
 *
 * @throws BackupRunningError where another one runs; BackupError, ArchiveError, PostgresError
 */
export async function runBackup(options: RunOptions, signal: AbortSignal): Promise<WrittenBackup> {
  const { archive, member, progress } = options;
  const over = new AbortController();
  let lock: BackupLock | null = null;
  let kept: Promise<void> = Promise.resolve();
  try {
    progress.set({ phase: 'lock' });
    lock = await BackupLock.acquire(archive.store, member, signal, options.lock ?? LOCK_SETTINGS);
    kept = lock.keep(over.signal);
    progress.set({ phase: 'clean-up' });
    const removed = await removeLeftovers(archive.store, Date.now(), signal);
    if (removed.length > 0) options.onRemoved(removed);
    return await takeBackup(options, lock, signal);
  } catch (error) {
    if (lock?.lost.aborted === true) throw lock.lost.reason;
    if (signal.aborted) throw new BackupCancelledError(error);
    throw error;
  } finally {
    over.abort();
    await kept;
    // One that cannot be released is taken for dead a little later.
    if (lock !== null && !lock.lost.aborted)
      await lock.release(AbortSignal.timeout(RELEASE_WITHIN)).catch(() => undefined);
  }
}
