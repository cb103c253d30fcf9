import * as z from 'zod';
import { ArchiveError, ObjectMissingError } from '../errors.ts';
import { collect } from '../store/content.ts';
import type { ObjectInfo, ObjectStore } from '../store/ports.ts';
import type { Backup, BackupCatalog, UnfinishedBackup, UnreadableBackup } from './backup.ts';
import { barmanBackup, walgBackup } from './backup-of.ts';
import { inParallel } from './in-parallel.ts';
import type { ArchiveLayout } from './layout.ts';
import { idOfSentinel } from './sentinel-names.ts';

/** An archive to read: its store, and how it is laid out. */
export interface CatalogSource {
  readonly store: ObjectStore;
  readonly layout: ArchiveLayout;
}

const BARMAN_INFO = 'backup.info';
/** Sentinels are small; a store answers several at a time as fast as one. */
const AT_ONCE = 8;

/** What a backup has below its folder, as it is being listed. */
interface Found {
  sentinel: ObjectInfo | null;
  objects: number;
  bytes: number;
  modifiedAt: Date;
}

/**
 * Everything that an archive has of backups, by one listing of their folder and a look at each sentinel. What cannot
 * be read of one backup hides no other.
 *
 * @throws ArchiveError where the store fails
 */
export async function listBackups(source: CatalogSource, signal: AbortSignal): Promise<BackupCatalog> {
  const { store, layout } = source;
  const found = new Map<string, Found>();
  for await (const object of store.list(layout.backupFolder, { signal })) {
    const name = object.key.slice(layout.backupFolder.length);
    const slash = name.indexOf('/');
    const id = idOf(name, slash);
    if (id === null) continue;
    const one = found.get(id) ?? { sentinel: null, objects: 0, bytes: 0, modifiedAt: object.modifiedAt };
    found.set(id, one);
    one.objects += 1;
    one.bytes += object.size;
    if (object.modifiedAt > one.modifiedAt) one.modifiedAt = object.modifiedAt;
    if (isSentinel(layout, name, id)) one.sentinel = object;
  }
  const read = await inParallel([...found], AT_ONCE, ([id, one]) => readBackup(source, id, one, signal));
  const backups: Backup[] = [];
  const unreadable: UnreadableBackup[] = [];
  const unfinished: UnfinishedBackup[] = [];
  for (const one of read) {
    if ('why' in one) unreadable.push(one);
    else if ('objects' in one) unfinished.push(one);
    else backups.push(one);
  }
  return { backups: backups.sort(byEnd), unreadable, unfinished };
}

/** The id of the backup that an object below the backups' folder belongs to; null: to none. */
function idOf(name: string, slash: number): string | null {
  if (slash > 0) return name.slice(0, slash);
  return idOfSentinel(name);
}

function isSentinel({ kind }: ArchiveLayout, name: string, id: string): boolean {
  return kind === 'wal-g' ? idOfSentinel(name) === id : name === `${id}/${BARMAN_INFO}`;
}

async function readBackup(
  { store, layout }: CatalogSource,
  id: string,
  found: Found,
  signal: AbortSignal,
): Promise<Backup | UnreadableBackup | UnfinishedBackup> {
  const folder = `${layout.backupFolder}${id}/`;
  const { objects, bytes: storedBytes, modifiedAt } = found;
  const unfinished = { id, folder, objects, storedBytes, modifiedAt };
  if (found.sentinel === null) return unfinished;
  const sentinelKey = found.sentinel.key;
  const text = async (key: string): Promise<string | null> => {
    try {
      const { body } = await store.get(key, { signal });
      return (await collect(body)).toString('utf8');
    } catch (error) {
      if (error instanceof ObjectMissingError) return null;
      throw error;
    }
  };
  try {
    const json = await text(sentinelKey);
    // Deleted since it was listed.
    if (json === null) return unfinished;
    const place = { id, sentinelKey, folder, storedBytes, writtenAt: found.sentinel.modifiedAt };
    return layout.kind === 'wal-g'
      ? await walgBackup(place, json, () => text(`${folder}metadata.json`))
      : barmanBackup(place, json);
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    return { id, sentinelKey, why: whyUnreadable(error) };
  }
}

function whyUnreadable(error: unknown): string {
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function byEnd(a: Backup, b: Backup): number {
  return a.finishedAt.getTime() - b.finishedAt.getTime() || (a.id < b.id ? -1 : 1);
}
