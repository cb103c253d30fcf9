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
