import { type ArchiveLayout, detectLayout } from '../catalog/layout.ts';
import { type ArchiveSettings, openArchive } from '../opened-archive.ts';
import type { WalSource } from '../wal/source.ts';

/** An archive to restore from. */
export interface RestoreSource extends WalSource {
  readonly layout: ArchiveLayout;
}

/** Opens an archive for reading, and finds out how it is laid out. @throws ArchiveError */
export async function openRestoreSource(
  settings: ArchiveSettings,
  signal: AbortSignal,
): Promise<RestoreSource> {
  const { store, codec } = await openArchive(settings);
  try {
    await store.check({ signal });
    return { store, codec, layout: await detectLayout(store, { signal }) };
  } catch (error) {
    store.close();
    throw error;
  }
}
