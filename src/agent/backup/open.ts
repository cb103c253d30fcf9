import type { Configuration } from '../../config/configuration.ts';
import type { Refused } from '../../http/routes-backup.ts';
import type { BackupService, BackupServiceOptions } from './service.ts';

/** Backups of the configuration's archive, loaded only where there is one; null: there is none. */
export async function openBackupService(
  configuration: Configuration,
  options: Omit<BackupServiceOptions, 'configuration'>,
): Promise<BackupService | null> {
  if (configuration.archive.url === null) return null;
  const { BackupService } = await import('./service.ts');
  return new BackupService({ configuration, ...options });
}

/** What the routes answer where there is no archive. */
export const NO_ARCHIVE: Refused = {
  refused: {
    code: 'NO_ARCHIVE',
    message: 'this cluster has no archive to put a backup into',
    remedy: 'Set archive.url, and restart the agents.',
  },
  status: 412,
};
