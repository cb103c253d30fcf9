import { sentinelKey } from '../backup/names.ts';
import { type ArchiveIdentity, readIdentity } from '../identity.ts';
import { BACKUP_FOLDER, TAIL_FOLDER, WAL_FOLDER } from '../layout.ts';
import type { ObjectStore } from '../store/ports.ts';
import { NotOwnArchiveError } from './errors.ts';
import { NOTHING_REMOVED, type RetentionOutcome } from './outcome.ts';
import type { RetentionPlan } from './plan.ts';
import { isSpare, type WalToKeep } from './wal-to-keep.ts';

/** As many as S3 takes in one request. */
const BATCH = 1000;

/**
 * Removes what a plan says, the oldest first, of each backup the sentinel before the parts, and WAL when all of them
 * are gone: wherever this is cut off, every backup that has a sentinel is whole, and the next run takes the rest.
 * `onProgress` is told each time that something went.
 *
 * @throws NotOwnArchiveError before anything is removed; ArchiveError
 */
export async function carryOut(
  store: ObjectStore,
  plan: RetentionPlan,
  own: ArchiveIdentity,
  onProgress: (outcome: RetentionOutcome) => void,
  signal: AbortSignal,
): Promise<RetentionOutcome> {
  await requireOwn(store, own, signal);
  let outcome = NOTHING_REMOVED;
  const tell = (next: RetentionOutcome): void => {
    outcome = next;
    onProgress(next);
  };
  for (const backup of plan.remove) {
    await store.deleteMany([backup.sentinelKey], { signal });
    tell({ ...outcome, backups: [...outcome.backups, backup.id], backupObjects: outcome.backupObjects + 1 });
    await removeFolder(backup.folder);
  }
  for (const { id, folder } of plan.leftovers) {
    // It may have come to its end since the listing, however slow it was.
    const heads = await Promise.all(
      (['whole', 'increment'] as const).map((kind) => store.head(sentinelKey(id, kind), { signal })),
    );
    if (heads.every((head) => head === null)) await removeFolder(folder);
  }
  for (const folder of [WAL_FOLDER, TAIL_FOLDER]) {
    for await (const batch of batchesOf(spare(store, folder, plan.wal, signal))) {
      await remove(batch, (objects, bytes) =>
        tell({ ...outcome, walObjects: outcome.walObjects + objects, bytes: outcome.bytes + bytes }),
      );
    }
  }
  return outcome;

  async function removeFolder(folder: string): Promise<void> {
    // A mistake here would be the end of all backups.
    if (
      !folder.startsWith(BACKUP_FOLDER) ||
      folder.length < BACKUP_FOLDER.length + 2 ||
      !folder.endsWith('/')
    )
      throw new TypeError(`not the folder of a backup: ${JSON.stringify(folder)}`);
    for await (const batch of batchesOf(store.list(folder, { signal }))) {
      await remove(batch, (objects, bytes) =>
        tell({ ...outcome, backupObjects: outcome.backupObjects + objects, bytes: outcome.bytes + bytes }),
      );
    }
  }

  async function remove(
    batch: readonly Listed[],
    count: (objects: number, bytes: number) => void,
  ): Promise<void> {
    const keys = batch.map(({ key }) => key);
    await store.deleteMany(keys, { signal });
    count(
      keys.length,
      batch.reduce((sum, { size }) => sum + size, 0),
    );
  }
}

/** Refuses an archive that is not this cluster's, or nobody's. @throws NotOwnArchiveError */
export async function requireOwn(
  store: ObjectStore,
  own: ArchiveIdentity,
  signal: AbortSignal,
): Promise<void> {
  const found = await readIdentity(store, { signal });
  const same =
    found !== null &&
    found.clusterUID === own.clusterUID &&
    found.generation === own.generation &&
    found.systemIdentifier === own.systemIdentifier;
  if (!same) throw new NotOwnArchiveError(store.name, found, own);
}

interface Listed {
  readonly key: string;
  readonly size: number;
}

async function* spare(
  store: ObjectStore,
  folder: string,
  wal: WalToKeep,
  signal: AbortSignal,
): AsyncGenerator<Listed> {
  if (wal.from === null) return;
  for await (const object of store.list(folder, { signal })) if (isSpare(object.key, wal)) yield object;
}

async function* batchesOf(objects: AsyncIterable<Listed>): AsyncGenerator<Listed[]> {
  let batch: Listed[] = [];
  for await (const object of objects) {
    batch.push(object);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
