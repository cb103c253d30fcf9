import { lsnBytes } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { TAIL_FOLDER, walName } from '../layout.ts';
import { segmentName } from '../wal/names.ts';
import type { Reach } from '../wal/permit.ts';
import { variantOf, type WalArchive } from '../wal/push-file.ts';
import { parseTailKey, tailFolder } from './names.ts';

/**
 * Removes the pieces of timelines that lead to the present one, where a full segment is in the archive that a restore
 * takes in their place. A timeline that does not lead here is left alone.
 *
 * @returns whether pieces are left that a later sweep may remove
 */
export async function sweepOldTails(
  { store, codec }: WalArchive,
  reach: Reach,
  segmentBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const known = new Map<string, boolean>();
  const isArchived = async (file: string): Promise<boolean> => {
    const found = known.get(file) ?? (await variantOf(store, codec, walName(file), signal)) !== null;
    known.set(file, found);
    return found;
  };
  const gone: string[] = [];
  let left = false;
  for await (const folder of store.folders(TAIL_FOLDER, { signal })) {
    const timeline = timelineId(Number.parseInt(folder, 16));
    if (!reach.forks.some((fork) => fork.timeline === timeline)) continue;
    for await (const { key } of store.list(tailFolder(timeline), { signal })) {
      const piece = parseTailKey(key);
      if (piece === null) continue;
      const number = Math.floor(lsnBytes(piece.start) / segmentBytes);
      const owner = ownerOf(number, reach, segmentBytes);
      if (await isArchived(segmentName({ timeline: owner, number }, segmentBytes))) gone.push(key);
      else left = true;
    }
  }
  if (gone.length > 0) await store.deleteMany(gone, { signal });
  return left;
}

/** Whose segment of this number a restore to the present timeline takes: the newest that had begun by then. */
export function ownerOf(number: number, reach: Reach, segmentBytes: number): TimelineId {
  for (const { timeline, switchLsn } of reach.forks)
    if (number < Math.floor(lsnBytes(switchLsn) / segmentBytes)) return timeline;
  return reach.timeline;
}
