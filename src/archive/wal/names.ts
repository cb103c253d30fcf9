import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';

/** A segment of WAL: the `number`-th of its size, on a timeline. */
export interface Segment {
  readonly timeline: TimelineId;
  readonly number: number;
}

/** The kinds of files that Postgres archives (documentation, "Continuous Archiving"; xlog_internal.h). */
export type WalFileKind = 'segment' | 'partial' | 'backup' | 'history';

const PATTERNS: readonly (readonly [WalFileKind, RegExp])[] = [
  ['segment', /^[0-9A-F]{24}$/],
  ['partial', /^[0-9A-F]{24}\.partial$/],
  ['backup', /^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/],
  ['history', /^[0-9A-F]{8}\.history$/],
];

const XLOG_ID_BYTES = 0x1_0000_0000;

/** Null: no name that Postgres archives or asks for. */
export function walFileKind(name: string): WalFileKind | null {
  return PATTERNS.find(([, pattern]) => pattern.test(name))?.[0] ?? null;
}

/** The name of a segment (xlog_internal.h, XLogFileName). */
export function segmentName({ timeline, number }: Segment, segmentBytes: number): string {
  const perId = XLOG_ID_BYTES / segmentBytes;
  return [timeline, Math.floor(number / perId), number % perId].map(hex8).join('');
}

/** The segment of a name; of a `.partial` or `.backup` file, the one it belongs to. Null: it belongs to none. */
export function parseSegment(name: string, segmentBytes: number): Segment | null {
  const match = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:$|\.)/.exec(name);
  if (match === null) return null;
  const [, timeline = '', high = '', low = ''] = match;
  const perId = XLOG_ID_BYTES / segmentBytes;
  return {
    timeline: timelineId(Number.parseInt(timeline, 16)),
    number: Number.parseInt(high, 16) * perId + Number.parseInt(low, 16),
  };
}

/** The timeline in a name of any kind. */
export function timelineOfName(name: string): TimelineId {
  return timelineId(Number.parseInt(name.slice(0, 8), 16));
}

/** The next segment of the same timeline. */
export function nextSegment({ timeline, number }: Segment): Segment {
  return { timeline, number: number + 1 };
}

/** The segment that holds the byte at an LSN. */
export function segmentAt(timeline: TimelineId, lsn: Lsn, segmentBytes: number): Segment {
  return { timeline, number: Math.floor(lsnBytes(lsn) / segmentBytes) };
}

/** Where a segment begins, and where the next one does. */
export function segmentBounds(
  { number }: Segment,
  segmentBytes: number,
): { readonly start: Lsn; readonly end: Lsn } {
  return { start: lsnAt(number * segmentBytes), end: lsnAt((number + 1) * segmentBytes) };
}

export function hex8(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
