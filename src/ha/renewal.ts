import { standingIn } from './floor.ts';
import { quorumIsFresh } from './permission.ts';
import type { ClusterRecord } from './record.ts';
import { isHalted } from './recovery.ts';
import { type Millis, millis } from './units.ts';
import type { View } from './view.ts';

/**
 * How often the holder renews. Without a quorum of fresh replies renewals alone let clients in: then one may come
 * late, or fail, before `staleReadBound` is over.
 */
export function renewalInterval(view: View, record: ClusterRecord): Millis {
  const { renewInterval, staleReadBound } = view.settings;
  if (record.settled.acks === 0 || quorumIsFresh(view, record)) return renewInterval;
  return millis(Math.min(renewInterval, staleReadBound / 3));
}

/**
 * Whether this process may renew the Lease: it holds it, and no demotion has begun. A claim is renewed while initdb
 * runs, and a won epoch while it is promoted; a Postgres that came down renews nothing.
 */
export function mayRenew(view: View, record: ClusterRecord | null): boolean {
  if (record === null || record.holder !== view.hold.holder || !view.hold.renewing) return false;
  if (isHalted(record)) return false;
  // One that went backwards is obeyed by nobody: a renewal would keep everybody from repairing it.
  if (standingIn(view, record).kind !== 'valid') return false;
  if (record.systemIdentifier === '') return true;
  if (record.primary === null || record.primary !== view.local.identity) return false;
  switch (view.local.state) {
    case 'primary':
    case 'promoting':
      return true;
    case 'standby':
      // Won, and not promoted yet.
      return view.local.server === null || view.local.server.timeline !== record.timeline;
    case 'stopped':
    case 'starting':
      // The first start after initdb.
      return record.settled.epoch === 0 && view.hold.stoppedAt === null;
    default:
      return false;
  }
}
