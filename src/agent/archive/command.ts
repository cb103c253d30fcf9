import { join } from 'node:path';
import { archiveCommand, installAskScript, restoreCommand } from '../../archive/commands.ts';
import { Spool } from '../../archive/spool.ts';
import type { Configuration } from '../../config/configuration.ts';

/**
 * Before Postgres starts: the spool is emptied, and the script that the commands run is put on the volume.
 *
 * @returns the values of archive_command, and of restore_command for a standby; null: there is no archive
 */
export async function prepareArchiveCommands(
  configuration: Configuration,
): Promise<{ readonly archiveCommand: string; readonly restoreCommand: string } | null> {
  const { archive, volume, socket } = configuration;
  if (archive.url === null) return null;
  const spool = new Spool(volume);
  await spool.empty();
  const script = await installAskScript(join(volume, 'archive'));
  const places = { spool, script, socket };
  return { archiveCommand: archiveCommand(places), restoreCommand: restoreCommand(places, 'standby') };
}
