import { readdir } from 'node:fs/promises';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import { readHistory, timelineOfHistoryFile } from '../../postgres/volume/timeline-history.ts';

/** The histories that lie in pg_wal; placeholders, which belong to none, are left out. */
export async function knownHistories(wal: string): Promise<Map<TimelineId, readonly TimelineFork[]>> {
  const found = new Map<TimelineId, readonly TimelineFork[]>();
  for (const name of await readdir(wal)) {
    const timeline = timelineOfHistoryFile(name);
    const forks = timeline === null ? null : await readHistory(wal, timeline);
    if (timeline !== null && forks !== null && forks.length > 0) found.set(timeline, forks);
  }
  return found;
}
