import { isReleased } from '../ha/lease.ts';
import type { HoldAnswer, HoldRequest } from '../ha/peer.ts';
import type { View } from '../ha/view.ts';
import type { Context } from './context.ts';

/**
 * Asynchronous mode, the API away: this member promises its primary not to acquire the Lease for so long, counted on
 * its own clock. Kept in memory: a restarted agent waits a whole lease duration before it counts one as expired.
 */
export function holdFor(context: Context, view: View | null, request: HoldRequest): HoldAnswer {
  const record = view?.record.lastValid ?? null;
  const granted =
    view !== null &&
    record !== null &&
    record.epoch === request.epoch &&
    record.primary === request.primary &&
    !isReleased(record) &&
    (view.local.floor?.epoch ?? 0) <= request.epoch &&
    view.local.promise <= request.epoch &&
    request.duration <= record.leaseDuration;
  if (granted) context.wishes.holdFor(request.duration);
  return { granted, identity: view?.local.identity ?? null };
}
