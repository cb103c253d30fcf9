import { idOfSentinel } from '../catalog/sentinel-names.ts';
import { BACKUP_FOLDER } from '../layout.ts';
import type { ObjectStore } from '../store/ports.ts';
import { claimKey } from './names.ts';

/** What another program leaves half-done may still be in the making for so long. */
const FOREIGN_AFTER = 24 * 3_600_000;

interface Found {
  hasSentinel: boolean;
  isOurs: boolean;
  youngest: number;
  readonly keys: string[];
}

/**
 * Removes what backups that died have left: those of pgwarden at once, since whoever calls this holds the lock;
 * those of other programs when nothing was written for a day. A backup with a sentinel is never touched.
 *
 * @returns the names of those that were removed
 */
export async function removeLeftovers(
  store: ObjectStore,
  now: number,
  signal: AbortSignal,
): Promise<string[]> {
  const found = new Map<string, Found>();
  for await (const { key, modifiedAt } of store.list(BACKUP_FOLDER, { signal })) {
    const name = key.slice(BACKUP_FOLDER.length);
    const slash = name.indexOf('/');
    const id = slash > 0 ? name.slice(0, slash) : idOfSentinel(name);
    if (id === null || !id.startsWith('base_')) continue;
    const one = found.get(id) ?? { hasSentinel: false, isOurs: false, youngest: 0, keys: [] };
    found.set(id, one);
    if (slash < 0) one.hasSentinel = true;
    else one.keys.push(key);
    if (key === claimKey(id)) one.isOurs = true;
    one.youngest = Math.max(one.youngest, modifiedAt.getTime());
  }
  const removed: string[] = [];
  for (const [id, { hasSentinel, isOurs, youngest, keys }] of found) {
    if (hasSentinel || keys.length === 0) continue;
    if (!isOurs && now - youngest < FOREIGN_AFTER) continue;
    await removeFolder(store, id, keys, signal);
    removed.push(id);
  }
  return removed;
}

/** Everything of a backup that has no sentinel; the claim last, so that what is left of it is known for what it is. */
export async function removeUnfinished(store: ObjectStore, name: string, signal: AbortSignal): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list(`${BACKUP_FOLDER}${name}/`, { signal })) keys.push(key);
  await removeFolder(store, name, keys, signal);
}

async function removeFolder(
  store: ObjectStore,
  name: string,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const claim = claimKey(name);
  await store.deleteMany(
    keys.filter((key) => key !== claim),
    { signal },
  );
  await store.deleteMany([claim], { signal });
}
