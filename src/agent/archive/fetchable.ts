import type { TimelineId } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';

/**
 * Up to which timeline this member may take WAL from the archive; null: it may take none. Only a standby that follows
 * the primary of the record that it holds to, and that promised nothing beyond. Nothing in the archive was ever dropped
 * by a takeover, so that none of it could lead a standby astray; but what belongs to an epoch that this member does not
 * know of yet, it must learn of from the record first: its floor is written before it takes part.
 */
export function fetchableTimeline(view: View): TimelineId | null {
  const record = view.record.lastValid;
  const { state, server, floor, promise } = view.local;
  if (record === null || record.primary === null || floor === null) return null;
  if (state !== 'standby' || server === null || !server.inRecovery || server.promoting) return null;
  if (server.follows !== record.primary || promise > record.epoch || floor.epoch < record.epoch) return null;
  return record.timeline;
}
