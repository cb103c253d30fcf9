import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveNotReadyError, ForeignArchiveError } from '../../archive/errors.ts';
import { type ArchiveIdentity, isEarlierLife, readIdentity } from '../../archive/identity.ts';
import { type ArchiveSettings, openArchive } from '../../archive/opened-archive.ts';
import type { ObjectStore } from '../../archive/store/ports.ts';
import type { WalArchive } from '../../archive/wal/push-file.ts';
import type { View } from '../../ha/view.ts';

/** Milliseconds. A primary claims its archive within a second of its term; the store may be slow. */
const CLAIMED_WITHIN = 10_000;
const LOOK_AGAIN = 250;

/** Whose archive a member may write to, by what it saw last; null: it is not known yet. */
export function identityOf(view: View | null): ArchiveIdentity | null {
  const record = view?.record.lastValid ?? null;
  const systemIdentifier = view?.local.systemIdentifier ?? '';
  if (record === null || record.clusterUID === '' || systemIdentifier === '') return null;
  return { clusterUID: record.clusterUID, generation: record.generation, systemIdentifier };
}

/**
 * Opens the archive for one backup, or one look at them: its own connections and buffers, which end with it. It must be this cluster's by
 * its own word: the primary claims it before it archives the first segment, and again after a recovery in place. Who
 * `waits` gives it ten seconds to come to it.
 *
 * @throws ArchiveError
 */
export async function openForBackup(
  settings: ArchiveSettings,
  identity: ArchiveIdentity | null,
  { mayWrite, waits = mayWrite }: { readonly mayWrite: boolean; readonly waits?: boolean },
  signal: AbortSignal,
): Promise<WalArchive> {
  const archive = await openArchive(settings);
  try {
    const { store } = archive;
    await store.check({ signal });
    if (identity === null) throw new ArchiveNotReadyError(store.name, 'the cluster is not known yet');
    const found = await claimedBy(store, identity, waits ? CLAIMED_WITHIN : 0, signal);
    if (found === null)
      throw new ArchiveNotReadyError(store.name, 'the primary has not archived anything there yet');
    if (isEarlierLife(found, identity))
      throw new ArchiveNotReadyError(
        store.name,
        'the primary has not moved it to the present life of the cluster yet',
      );
    if (
      found.clusterUID !== identity.clusterUID ||
      found.generation !== identity.generation ||
      found.systemIdentifier !== identity.systemIdentifier
    )
      throw new ForeignArchiveError(store.name, describe(found), describe(identity));
    if (mayWrite) await store.prepareToWrite({ signal });
    return archive;
  } catch (error) {
    archive.store.close();
    throw error;
  }
}

/** Null: by nobody, within so many milliseconds. By an earlier life: it stays so within them. */
async function claimedBy(
  store: ObjectStore,
  identity: ArchiveIdentity,
  within: number,
  signal: AbortSignal,
): Promise<ArchiveIdentity | null> {
  const end = performance.now() + within;
  for (;;) {
    const found = await readIdentity(store, { signal });
    const isReady = found !== null && !isEarlierLife(found, identity);
    if (isReady || performance.now() >= end) return found;
    await sleep(LOOK_AGAIN, undefined, { signal });
  }
}

function describe({ clusterUID, generation }: ArchiveIdentity): string {
  return `cluster ${clusterUID}, generation ${generation}`;
}
