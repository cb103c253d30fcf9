import { sentinelName } from '../catalog/sentinel-names.ts';
import { BACKUP_FOLDER } from '../layout.ts';
import { type Segment, segmentName } from '../wal/names.ts';

/** WAL-G's name of a full backup: the segment that it begins in. */
export function backupName(start: Segment, segmentBytes: number): string {
  return `base_${segmentName(start, segmentBytes)}`;
}

/** What all objects of a backup but its sentinel begin with. */
export function backupFolder(name: string): string {
  return `${BACKUP_FOLDER}${name}/`;
}

/** The object that makes a backup count: written last. */
export function sentinelKey(name: string, kind: 'whole' | 'increment'): string {
  return BACKUP_FOLDER + sentinelName(name, kind);
}

export function metadataKey(name: string): string {
  return `${backupFolder(name)}metadata.json`;
}

/** Written first: who takes this backup. Creating it claims the name, and tells the remains of one from another program's. */
export function claimKey(name: string): string {
  return `${backupFolder(name)}pgwarden-claim.json`;
}

/** A tar of files, before the codec's extension. WAL-G restores every object of this folder, `pg_control` last. */
export function partName(name: string, part: number): string {
  return tarName(name, `part_${part.toString().padStart(3, '0')}`);
}

/** `backup_label` or `pg_control`, or a part. */
export function tarName(name: string, tar: string): string {
  return `${backupFolder(name)}tar_partitions/${tar}.tar`;
}
