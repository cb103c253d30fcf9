import type { ClusterRecord } from '../ha/record.ts';
import { type Epoch, epoch } from '../ha/units.ts';

/** How many timelines are remembered. */
const KEPT = 100;

/**
 * Which epoch each timeline was reserved for, as far as a record tells: the lowest epoch on that timeline (an epoch
 * that a holder gave itself keeps the timeline).
 */
export function learnTimelines(
  known: Readonly<Record<number, Epoch>>,
  record: ClusterRecord,
): Readonly<Record<number, Epoch>> {
  const next: Record<number, Epoch> = { ...known };
  const learn = (timeline: number, of: Epoch): void => {
    if (timeline > 0) next[timeline] = epoch(Math.min(next[timeline] ?? Number.MAX_SAFE_INTEGER, of));
  };
  for (const entry of record.history) learn(entry.timeline, entry.epoch);
  learn(record.settled.timeline, record.settled.epoch);
  learn(record.timeline, record.epoch);
  const newest = Object.keys(next)
    .map(Number)
    .sort((a, b) => a - b)
    .slice(-KEPT);
  return Object.fromEntries(newest.map((timeline) => [timeline, next[timeline] ?? epoch(0)]));
}
