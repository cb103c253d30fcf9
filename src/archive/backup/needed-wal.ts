import { compareLsn, type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import { historyFileName } from '../../postgres/volume/timeline-history.ts';
import { segmentName } from '../wal/names.ts';
import type { WalRange } from './manifest.ts';
import type { StartPoint } from './session.ts';

/**
 * The WAL between start and stop, a timeline at a time, the newest first (as AddWALInfoToBackupManifest has it): a
 * standby may have followed a new primary meanwhile.
 *
 * @param forks those that led to the stop's timeline, the oldest first
 */
export function walRanges(start: StartPoint, stop: StartPoint, forks: readonly TimelineFork[]): WalRange[] {
  const ranges: WalRange[] = [];
  let from: Lsn = start.lsn;
  for (const { timeline, switchLsn } of forks) {
    if (timeline < start.timeline || compareLsn(switchLsn, from) <= 0) continue;
    ranges.push({ timeline, start: from, end: switchLsn });
    from = switchLsn;
  }
  ranges.push({ timeline: stop.timeline, start: from, end: stop.lsn });
  return ranges.reverse();
}

/**
 * The files that a restore asks the archive for to become consistent: every segment from start to stop, where one is
 * shared by two timelines that of the newer (which Postgres tries first), and the history that leads to the stop.
 */
export function neededWal(
  ranges: readonly WalRange[],
  stopTimeline: TimelineId,
  segmentBytes: number,
): string[] {
  const byNumber = new Map<number, string>();
  for (const { timeline, start, end } of ranges) {
    const last = Math.floor((Math.max(lsnBytes(end), lsnBytes(start) + 1) - 1) / segmentBytes);
    for (let number = Math.floor(lsnBytes(start) / segmentBytes); number <= last; number++)
      if (!byNumber.has(number)) byNumber.set(number, segmentName({ timeline, number }, segmentBytes));
  }
  const histories = stopTimeline > 1 ? [historyFileName(stopTimeline)] : [];
  return [...histories, ...[...byNumber].sort(([a], [b]) => a - b).map(([, name]) => name)];
}

/** What one of must be in the archive, all of its files. */
export type Alternatives = readonly (readonly string[])[];

/**
 * Where the segment of the stop may be instead: whoever takes over in the middle of it goes on in a segment of its own
 * timeline, which begins with the same bytes, and the old one is never complete.
 *
 * @param stop where the backup ended
 * @param histories of the timelines that are known by now
 */
export function laterSegments(
  stop: StartPoint,
  histories: ReadonlyMap<TimelineId, readonly TimelineFork[]>,
  segmentBytes: number,
): Alternatives {
  const segment = Math.floor((lsnBytes(stop.lsn) - 1) / segmentBytes);
  const found = new Map<string, readonly string[]>();
  for (const [last, forks] of histories) {
    const from = forks.findIndex(({ timeline }) => timeline === stop.timeline);
    const left = forks[from];
    if (left === undefined || compareLsn(left.switchLsn, stop.lsn) < 0) continue;
    for (const [index, { switchLsn }] of forks.entries()) {
      // A fork right at the beginning of a segment leaves a complete one behind.
      if (index < from || Math.floor(lsnBytes(switchLsn) / segmentBytes) !== segment) continue;
      const timeline = forks[index + 1]?.timeline ?? last;
      const name = segmentName({ timeline, number: segment }, segmentBytes);
      found.set(name, [historyFileName(timeline), name]);
    }
  }
  return [...found.values()];
}
