import { WALG } from '../../archive/catalog/layout.ts';
import { listBackups } from '../../archive/catalog/list-backups.ts';
import type { WalArchive } from '../../archive/wal/push-file.ts';
import type { NewestBackup } from '../../http/backup-report.ts';

/** What the schedules go by. */
export interface Newest {
  readonly backup: NewestBackup;
  /** When the newest that needs no other began; null: there is none. */
  readonly wholeAt: Date | null;
}

/** The newest backup of an archive; null: there is none. @throws ArchiveError */
export async function newestBackup({ store }: WalArchive, signal: AbortSignal): Promise<Newest | null> {
  const { backups } = await listBackups({ store, layout: WALG }, signal);
  const newest = backups.at(-1);
  if (newest === undefined) return null;
  return {
    backup: {
      name: newest.id,
      startedAt: newest.startedAt.toISOString(),
      finishedAt: newest.finishedAt.toISOString(),
      dataBytes: newest.originalBytes,
      storedBytes: newest.storedBytes,
    },
    wholeAt: backups.findLast(({ parent }) => parent === null)?.startedAt ?? null,
  };
}
