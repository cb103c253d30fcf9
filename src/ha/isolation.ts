import { type Decision, wait } from './decision.ts';
import type { ClusterRecord } from './record.ts';
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
    return wait('isolated: the door is closed until a renewal or a quorum of replies returns');
  }
  return {
    kind: 'stop',
    mode: 'fast',
    demotion: true,
    reason: 'the Lease could not be renewed in time and not every eligible member promised to wait',
  };
}
