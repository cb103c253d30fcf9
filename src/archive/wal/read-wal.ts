import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { errnoOf } from '../../postgres/errors.ts';
import type { Range } from '../tail/plan.ts';
import { segmentAt, segmentName } from './names.ts';

/** A buffer of its own memory, as hashes of the thread pool want it. */
type Bytes = Buffer<ArrayBuffer>;

/**
 * Reads flushed WAL from pg_wal, within one segment. Null where the segment is gone: Postgres removes and recycles
 * what is archived.
 */
export async function readWal(
  walDirectory: string,
  timeline: TimelineId,
  { start, end }: Range,
  segmentBytes: number,
): Promise<Bytes | null> {
  const path = join(walDirectory, segmentName(segmentAt(timeline, start, segmentBytes), segmentBytes));
  try {
    const file = await open(path, 'r');
    try {
      const length = lsnBytes(end) - lsnBytes(start);
      const bytes = Buffer.alloc(length);
      const { bytesRead } = await file.read(bytes, 0, length, lsnBytes(start) % segmentBytes);
      // Recycled while it was read: the same file has another name now, and other WAL is written into it.
      const [mine, named] = await Promise.all([file.stat(), stat(path)]);
      return mine.ino === named.ino && bytesRead === length ? bytes : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
