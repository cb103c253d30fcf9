import { join } from 'node:path';
import { archiveCommand, installAskScript } from '../../archive/commands.ts';
import { Spool } from '../../archive/spool.ts';
import type { Configuration } from '../../config/configuration.ts';

/**
 * Before Postgres starts: the spool is emptied, and the script that archive_command runs is put on the volume.
 *
 * @returns the value of archive_command; null: there is no archive
 */
export async function prepareArchiveCommand(configuration: Configuration): Promise<string | null> {
  const { archive, volume, socket } = configuration;
  if (archive.url === null) return null;
  const spool = new Spool(volume);
  await spool.empty();
  const script = await installAskScript(join(volume, 'archive'));
  return archiveCommand({ spool, script, socket });
}
