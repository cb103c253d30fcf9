import type { Binaries } from '../../postgres/find-binaries.ts';
import type { Backup } from '../catalog/backup.ts';
import { chainOf } from '../catalog/chain.ts';
import { UnreadableBackupError } from './errors.ts';

/** What a backup is put together from. @throws UnreadableBackupError for one that this program cannot put together */
export function requireChain(
  backup: Backup,
  all: readonly Backup[],
  binaries: Binaries | null,
): readonly [Backup, ...Backup[]] {
  const chain = chainOf(backup, all);
  if (chain !== null) {
    if (chain.length === 1 || binaries !== null) return chain;
    throw new UnreadableBackupError(
      backup.id,
      'it holds what changed since another one, and the pg_combinebackup of its major version is not installed here',
      `Install that version's server programs, or name their directory (--bin-directory), or restore ${chain[0].id} (--backup), from which WAL leads to the same target.`,
    );
  }
  if (backup.changes === 'wal-g')
    throw new UnreadableBackupError(
      backup.id,
      `it is a delta of WAL-G, which has only what changed since ${backup.parent}`,
      `Restore a full backup (--backup ${backup.parent}; WAL brings it to the same target), or fetch this one with "wal-g backup-fetch".`,
    );
  throw new UnreadableBackupError(
    backup.id,
    'it holds what changed since another backup, and one that leads to it is gone',
    'Restore another one (--backup); "pgwarden backup list" shows them.',
  );
}
