import type { Backup } from '../catalog/backup.ts';
import { ObjectMissingError } from '../errors.ts';
import { collect } from '../store/content.ts';
import { DamagedBackupError } from './errors.ts';
import type { BackupPart } from './parts.ts';
import type { RestoreSource } from './source.ts';

/** Of a backup of a million files it is larger: then the tars are not counted against it. */
const MOST = 64 * 1024 * 1024;

/**
 * Compares the tars with WAL-G's own list of them (`files_metadata.json`, TarFileSets): a tar that is gone would be
 * missed by nobody else. Where there is no list there is nothing to compare.
 *
 * @throws DamagedBackupError
 */
export async function requireAllParts(
  { store, layout }: RestoreSource,
  backup: Backup,
  parts: readonly BackupPart[],
  signal: AbortSignal,
): Promise<void> {
  if (layout.kind !== 'wal-g') return;
  const key = `${backup.folder}files_metadata.json`;
  try {
    const head = await store.head(key, { signal });
    if (head === null || head.size > MOST) return;
    const { body } = await store.get(key, { signal });
    const names = tarsIn((await collect(body)).toString('utf8'));
    const present = new Set(parts.map((part) => part.key.slice(part.key.lastIndexOf('/') + 1)));
    const missing = names.find((name) => !present.has(name));
    if (missing !== undefined) throw new DamagedBackupError(backup.id, `${missing} is missing`);
  } catch (error) {
    if (error instanceof ObjectMissingError) return;
    throw error;
  }
}

function tarsIn(json: string): string[] {
  try {
    const { TarFileSets } = JSON.parse(json) as { readonly TarFileSets?: unknown };
    return typeof TarFileSets === 'object' && TarFileSets !== null ? Object.keys(TarFileSets) : [];
  } catch {
    // It tells of files for deltas; nothing else of the restore needs it.
    return [];
  }
}
