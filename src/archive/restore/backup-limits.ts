import type { Backup } from '../catalog/backup.ts';
import { UnreadableBackupError } from './errors.ts';

/** @throws UnreadableBackupError for a backup that this program cannot put together */
export function requireRestorable(backup: Backup): void {
  if (backup.parent === null) return;
  throw new UnreadableBackupError(
    backup.id,
    `it is a delta of WAL-G, which has only what changed since ${backup.parent}`,
    `Restore a full backup (--backup ${backup.parent}; WAL brings it to the same target), or fetch this one with "wal-g backup-fetch".`,
  );
}
