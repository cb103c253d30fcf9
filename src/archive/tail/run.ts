import { lsnBytes } from '../../ha/lsn.ts';
import type { StoredPiece } from './names.ts';

/** A part of a piece: its first `skip` bytes are in the one before. */
export interface RunPart {
  readonly piece: StoredPiece;
  readonly skip: number;
  readonly length: number;
}

/** The bytes from `start` on that pieces hold without a hole, in as few pieces as that takes. */
export function holeFreeRun(
  pieces: readonly StoredPiece[],
  start: number,
  most: number,
): { readonly parts: readonly RunPart[]; readonly end: number } {
  const sorted = [...pieces].sort((a, b) => lsnBytes(a.start) - lsnBytes(b.start));
  const parts: RunPart[] = [];
  let end = start;
  let next = 0;
  let best: StoredPiece | null = null;
  while (end < most) {
    // Of all that begin by now, the one that reaches furthest.
    for (
      let piece = sorted[next];
      piece !== undefined && lsnBytes(piece.start) <= end;
      piece = sorted[++next]
    )
      if (best === null || lsnBytes(piece.end) > lsnBytes(best.end)) best = piece;
    if (best === null || lsnBytes(best.end) <= end) break;
    const until = Math.min(lsnBytes(best.end), most);
    parts.push({ piece: best, skip: end - lsnBytes(best.start), length: until - end });
    end = until;
  }
  return { parts, end };
}
