import { open } from 'node:fs/promises';
import { lsnBytes } from '../../ha/lsn.ts';
import { ObjectDamagedError } from '../errors.ts';
import { collect } from '../store/content.ts';
import { parseSegment, segmentBounds } from '../wal/names.ts';
import type { WalSource } from '../wal/source.ts';
import { leftAt } from './forks.ts';
import { beforeSegment, parseTailKey, type StoredPiece, tailFolder } from './names.ts';
import { holeFreeRun } from './run.ts';

/**
 * Makes a segment of what the live tail has of it, from its beginning on without a hole, and zeros behind: Postgres
 * replays up to there. Never for pg_rewind, and never archived.
 *
 * @returns false where the tail has nothing of it
 */
export async function restoreTail(
  source: WalSource,
  file: string,
  path: string,
  segmentBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const segment = parseSegment(file, segmentBytes);
  if (segment === null) return false;
  const { start, end } = segmentBounds(segment, segmentBytes);
  const pieces: StoredPiece[] = [];
  const options = { startAfter: beforeSegment(segment.timeline, start), signal };
  for await (const { key } of source.store.list(tailFolder(segment.timeline), options)) {
    const piece = parseTailKey(key);
    if (piece !== null && lsnBytes(piece.start) >= lsnBytes(end)) break;
    if (piece !== null) pieces.push(piece);
  }
  const { parts } = holeFreeRun(pieces, lsnBytes(start), lsnBytes(end));
  if (parts.length === 0) return false;
  const left = await leftAt(source, segment.timeline, signal);
  const most = left === null ? segmentBytes : Math.max(0, lsnBytes(left) - lsnBytes(start));
  // A segment that begins where the timeline had been left is nobody's; one of zeros would only pass for the end of WAL.
  if (most === 0) return false;
  const target = await open(path, 'w', 0o600);
  try {
    // What was never written reads as zeros.
    await target.truncate(segmentBytes);
    let offset = 0;
    for (const { piece, skip, length } of parts) {
      const bytes = await readPiece(source, piece, signal);
      const used = bytes.subarray(skip, skip + Math.min(length, Math.max(0, most - offset)));
      await target.write(used, 0, used.length, offset);
      offset += length;
    }
  } finally {
    await target.close();
  }
  return true;
}

async function readPiece(
  { store, codec }: WalSource,
  piece: StoredPiece,
  signal: AbortSignal,
): Promise<Buffer> {
  const { body } = await store.get(piece.key, { signal });
  const bytes = await collect(codec.decode(store.name, piece.key, body));
  const expected = lsnBytes(piece.end) - lsnBytes(piece.start);
  if (bytes.length === expected) return bytes;
  throw new ObjectDamagedError(store.name, piece.key, `it has ${bytes.length} bytes, not ${expected}`);
}
