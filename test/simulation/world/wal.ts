import type { Lsn } from '../../../src/ha/lsn.ts';
import { lsnAt } from '../../../src/ha/lsn.ts';
import type { TimelineFork } from '../../../src/ha/peer.ts';
import { timelineId } from '../../../src/ha/units.ts';

export interface EpochRowContent {
  readonly epoch: number;
  readonly primary: string;
  readonly timeline: number;
  readonly settled: boolean;
}

/** One WAL record. Two directories share a history as far as they hold the same objects at the same places. */
export interface WalRecord {
  readonly index: number;
  readonly timeline: number;
  /** The forks that led to its timeline: one array for all records of it. */
  readonly forks: readonly TimelineFork[];
  readonly start: number;
  readonly end: number;
  readonly kind: 'init' | 'commit' | 'row' | 'checkpoint' | 'filler' | 'recovered';
  readonly row: EpochRowContent | null;
  /** For people: who wrote what. */
  readonly note: string;
}

export type Wal = WalRecord[];

export function endOf(wal: Wal, count: number): number {
  return count === 0 ? 0 : (wal[count - 1] as WalRecord).end;
}

/** Whether a history has a record: and with it, all that came before. */
export function holds(wal: Wal, record: WalRecord): boolean {
  return wal[record.index] === record;
}

const texts = new Map<number, Lsn>();
const MOST_TEXTS = 10_000;

/** As `lsnAt`: every look asks for the same few positions again. */
export function lsnOf(position: number): Lsn {
  let text = texts.get(position);
  if (text === undefined) {
    if (texts.size >= MOST_TEXTS) texts.clear();
    text = lsnAt(position);
    texts.set(position, text);
  }
  return text;
}

/** How many records end at or before a byte position. */
export function countAt(wal: Wal, position: number): number {
  let low = 0;
  let high = wal.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((wal[middle] as WalRecord).end <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function append(
  wal: Wal,
  content: Pick<WalRecord, 'kind' | 'row' | 'note'>,
  size: number,
  fork: { readonly timeline: number; readonly forks: readonly TimelineFork[] } | null = null,
): WalRecord {
  const last = wal[wal.length - 1];
  const start = last?.end ?? 0;
  const record: WalRecord = {
    ...content,
    index: wal.length,
    timeline: fork?.timeline ?? last?.timeline ?? 1,
    forks: fork?.forks ?? last?.forks ?? [],
    start,
    end: start + size,
  };
  wal.push(record);
  return record;
}

/** The forks of a timeline that begins at the end of this WAL. */
export function forksAfter(wal: Wal): readonly TimelineFork[] {
  const last = wal[wal.length - 1] as WalRecord;
  return [...last.forks, { timeline: timelineId(last.timeline), switchLsn: lsnAt(last.end) }];
}

/** How many records two histories share. */
export function commonPrefix(a: Wal, b: Wal): number {
  let low = 0;
  let high = Math.min(a.length, b.length);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (a[middle - 1] === b[middle - 1]) low = middle;
    else high = middle - 1;
  }
  return low;
}
