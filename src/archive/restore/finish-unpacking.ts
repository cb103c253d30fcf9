import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isLsn, lsnBytes } from '../../ha/lsn.ts';
import { syncPath } from '../../postgres/volume/durable.ts';
import type { Backup } from '../catalog/backup.ts';
import { HELD_FILES, heldPath, type Places } from './entry-place.ts';
import { DamagedBackupError } from './errors.ts';
import { syncAll } from './fetch-backup.ts';
import { mapWithPlaces } from './tablespaces.ts';

/** What a server needs to be there, and a tar need not have since it is empty. */
const DIRECTORIES = [
  'global',
  'pg_commit_ts',
  'pg_dynshmem',
  'pg_logical/mappings',
  'pg_logical/snapshots',
  'pg_multixact/members',
  'pg_multixact/offsets',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_tblspc',
  'pg_twophase',
  'pg_wal/archive_status',
  'pg_xact',
];

/**
 * Puts what was held back into its place, pg_control last: from then on, and not before, it is a data directory that
 * Postgres starts in, and then only as one that recovers from backup_label on.
 *
 * @throws DamagedBackupError where backup_label or pg_control is missing, or they are of another backup
 */
export async function finishUnpacking(places: Places, backup: Backup, signal: AbortSignal): Promise<void> {
  if (await isDone(places)) return;
  await requireLabel(places, backup);
  for (const directory of DIRECTORIES)
    await mkdir(join(places.data, directory), { recursive: true, mode: 0o700 });
  await mapTablespaces(places);
  await syncAll(places, signal);
  for (const file of HELD_FILES) {
    const held = heldPath(places, file);
    const path = join(places.data, file);
    // Absent: this was cut off before, behind that file's turn; or no tablespace_map was ever there.
    if (!(await isThere(held))) continue;
    await rename(held, path);
    await syncPath(dirname(path));
  }
}

async function isDone(places: Places): Promise<boolean> {
  return (
    (await isThere(join(places.data, 'global/pg_control'))) &&
    !(await isThere(heldPath(places, 'global/pg_control')))
  );
}

async function requireLabel(places: Places, backup: Backup): Promise<void> {
  const read = async (path: string): Promise<string | null> => await readFile(path, 'utf8').catch(() => null);
  const label =
    (await read(heldPath(places, 'backup_label'))) ?? (await read(join(places.data, 'backup_label')));
  if (label === null) throw new DamagedBackupError(backup.id, 'it has no backup_label');
  if (!(await isThere(heldPath(places, 'global/pg_control'))))
    throw new DamagedBackupError(backup.id, 'it has no global/pg_control');
  const [, start = '', timeline] = /^START WAL LOCATION: (\S+) \(file ([0-9A-F]{8})/m.exec(label) ?? [];
  if (!isLsn(start) || timeline === undefined)
    throw new DamagedBackupError(backup.id, 'its backup_label says no start');
  // WAL-G 3 tells the redo point as the backup's start, barman as Postgres did: the same.
  if (lsnBytes(start) !== lsnBytes(backup.startLsn) || Number.parseInt(timeline, 16) !== backup.timeline)
    throw new DamagedBackupError(
      backup.id,
      `its backup_label is that of a backup from ${start} on timeline ${Number.parseInt(timeline, 16)}, not from ${backup.startLsn} on ${backup.timeline}`,
    );
}

async function mapTablespaces(places: Places): Promise<void> {
  const path = heldPath(places, 'tablespace_map');
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text !== null) await writeFile(path, mapWithPlaces(text, places.tablespaces));
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
