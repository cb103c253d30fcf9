/**
 * Where everything lies in an archive. `wal_005` and `basebackups_005` are WAL-G's names (its `utility.WalPath` and
 * `BaseBackupPath`), so that either program restores what the other wrote; what WAL-G does not know is in `pgwarden/`.
 */
export const WAL_FOLDER = 'wal_005/';
export const BACKUP_FOLDER = 'basebackups_005/';
export const TAIL_FOLDER = 'pgwarden/tail/';
/** Who takes a backup now: see backup/lock.ts. */
export const LOCK_FOLDER = 'pgwarden/backup-lock/';
export const IDENTITY_KEY = 'pgwarden/identity.json';

/** The name that a file of pg_wal is stored under, before the codec's extension. */
export function walName(file: string): string {
  return WAL_FOLDER + file;
}
