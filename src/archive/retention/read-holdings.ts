import { type CatalogSource, listBackups } from '../catalog/list-backups.ts';
import { takeWalInventory } from '../catalog/wal-inventory.ts';
import type { Codec } from '../codec/codec.ts';
import type { Holdings } from './plan.ts';

/**
 * Reads what an archive has. Backups before WAL: of a backup that is listed, all the WAL it needs was there before.
 *
 * @throws ArchiveError
 */
export async function readHoldings(
  source: CatalogSource & { readonly codec: Codec },
  segmentBytes: number,
  systemIdentifier: string,
  signal: AbortSignal,
): Promise<Holdings> {
  const catalog = await listBackups(source, signal);
  const inventory = await takeWalInventory(source, segmentBytes, signal);
  return { catalog, inventory, systemIdentifier, now: new Date() };
}
