import { isLsn, type Lsn } from '../../ha/lsn.ts';
import type { Backup } from '../catalog/backup.ts';
import { BackupLabelError } from './errors.ts';

/** What a backup_label says of where a restore begins (xlogbackup.c, build_backup_content). */
export interface BackupLabel {
  readonly startLsn: Lsn;
  /** The file that holds it. */
  readonly startFile: string;
  readonly checkpointLsn: Lsn;
  readonly from: 'primary' | 'standby';
}

/** The label of a backup that holds what changed since another one (xlogbackup.c, as pg_combinebackup reads it). */
export function withParent(
  label: string,
  { startLsn, timeline }: Pick<Backup, 'startLsn' | 'timeline'>,
): string {
  return `${label}INCREMENTAL FROM LSN: ${startLsn}\nINCREMENTAL FROM TLI: ${timeline}\n`;
}

/** @throws BackupLabelError */
export function parseLabel(text: string): BackupLabel {
  const start = /^START WAL LOCATION: (\S+) \(file ([0-9A-F]{24})\)$/m.exec(text);
  const checkpoint = /^CHECKPOINT LOCATION: (\S+)$/m.exec(text)?.[1];
  const from = /^BACKUP FROM: (primary|standby|master)$/m.exec(text)?.[1];
  const [, startLsn, startFile] = start ?? [];
  if (startLsn === undefined || startFile === undefined || !isLsn(startLsn))
    throw new BackupLabelError('it does not tell where WAL begins');
  if (checkpoint === undefined || !isLsn(checkpoint)) throw new BackupLabelError('it names no checkpoint');
  return { startLsn, startFile, checkpointLsn: checkpoint, from: from === 'standby' ? 'standby' : 'primary' };
}
