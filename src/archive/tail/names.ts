import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { TAIL_FOLDER } from '../layout.ts';
import { hex8 } from '../wal/names.ts';

/** WAL from `start` on to before `end`, of one timeline and within one segment. */
export interface TailPiece {
  readonly timeline: TimelineId;
  readonly start: Lsn;
  readonly end: Lsn;
}

/** A piece in the archive. */
export interface StoredPiece extends TailPiece {
  readonly key: string;
}

/** The folder of a timeline's tail. */
export function tailFolder(timeline: TimelineId): string {
  return `${TAIL_FOLDER}${hex8(timeline)}/`;
}

/** The name of a piece: LSNs as 16 hex digits, so that the order of names is that of WAL. */
export function tailName({ timeline, start, end }: TailPiece): string {
  return `${tailFolder(timeline)}${hex16(start)}-${hex16(end)}`;
}

/** Null: the key is not that of a piece. */
export function parseTailKey(key: string): StoredPiece | null {
  const { name } = parseEncodedName(key);
  const match = /^([0-9A-F]{8})\/([0-9A-F]{16})-([0-9A-F]{16})$/.exec(name.slice(TAIL_FOLDER.length));
  if (!key.startsWith(TAIL_FOLDER) || match === null) return null;
  const [, timeline = '', start = '', end = ''] = match;
  return {
    key,
    timeline: timelineId(Number.parseInt(timeline, 16)),
    start: lsnAt(Number.parseInt(start, 16)),
    end: lsnAt(Number.parseInt(end, 16)),
  };
}

/** What every key of a segment's pieces comes after. */
export function beforeSegment(timeline: TimelineId, start: Lsn): string {
  return `${tailFolder(timeline)}${hex16(start)}`;
}

function hex16(lsn: Lsn): string {
  return lsnBytes(lsn).toString(16).toUpperCase().padStart(16, '0');
}
