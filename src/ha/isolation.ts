import { type Decision, wait } from './decision.ts';
import { permittedUntil } from './permission.ts';
import type { ClusterRecord } from './record.ts';
import { elapsed, type Instant } from './units.ts';
import type { ServerView, View } from './view.ts';

/** Neither a renewal nor a quorum of replies: no client may read what may be stale. */
export function isolated(view: View, record: ClusterRecord, server: ServerView): Decision {
  if (view.wishes.shutdown) {
    return {
      kind: 'stop',
      mode: 'fast',
      demotion: true,
      reason: 'shutdown without a hand-over: neither the API nor a quorum is in reach',
    };
  }
  if (record.settled.acks > 0) {
    if (server.doorOpen) {
      return {
        kind: 'close-door',
        reason: `neither a renewal nor ${record.settled.acks} replies for ${view.settings.staleReadBound} ms`,
      };
    }
    if (isCutOff(view, record)) {
      return {
        kind: 'stop',
        mode: 'fast',
        demotion: true,
        reason:
          'neither the API nor any member is heard: as a standby it lets clients go on to who leads now',
      };
    }
    return wait('isolated: the door is closed until a renewal or a quorum of replies returns');
  }
  return {
    kind: 'stop',
    mode: 'fast',
    demotion: true,
    reason: 'the Lease could not be renewed in time and not every eligible member promised to wait',
  };
}

/**
 * As long again after its permission ended, and no member answers any more either: if anybody is well, they have elected
 * another. A closed door would keep libpq from them (it tries no host after one that refuses authentication).
 */
function isCutOff(view: View, record: ClusterRecord): boolean {
  const { staleReadBound } = view.settings;
  if (view.record.apiReachable || view.peers.length === 0) return false;
  if (elapsed(permittedUntil(view, record), view.now) < staleReadBound) return false;
  return view.peers.every(({ answeredAt }) => elapsed(answeredAt, view.now) >= 2 * staleReadBound);
}

/**
 * A primary in quorum mode that lets clients in past its permission. `lead` closes its door; while that waits for
 * something else (a swap whose answer does not come), it is closed without a decision: that never does harm.
 */
export function mustShutDoor(view: View, now: Instant): boolean {
  const record = view.record.lastValid;
  if (view.local.state !== 'primary' || view.local.server?.doorOpen !== true) return false;
  if (record === null || record.paused || record.settled.acks === 0) return false;
  return now >= permittedUntil(view, record);
}
