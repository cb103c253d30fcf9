import type { Command } from 'commander';
import { registerBackupCreate } from './backup-create.ts';
import { registerBackupDelete } from './backup-delete.ts';
import { registerBackupList } from './backup-list.ts';

/** `pgwarden backup`: takes a base backup; its sub-commands look at those that there are. */
export function registerBackup(program: Command): void {
  const command = program.command('backup').summary('take a base backup into the archive');
  registerBackupCreate(command);
  registerBackupList(command);
  registerBackupDelete(command);
}
