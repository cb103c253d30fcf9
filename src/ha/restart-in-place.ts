import { highestPromise } from './candidate.ts';
import type { Decision } from './decision.ts';
import { isFenced } from './fenced.ts';
import { superiorTo } from './floor.ts';
import { FRESH_LOOK } from './lease.ts';
import { permittedUntil } from './permission.ts';
import type { ClusterRecord } from './record.ts';
import { isSelfBumped } from './settle.ts';
import { startAgain } from './tasks.ts';
import { selfBumped } from './transitions.ts';
import { elapsed, epoch } from './units.ts';
import type { View } from './view.ts';

/**
 * A planned restart of the settled primary, which shut down cleanly: it begins a new epoch on the timeline that it
 * has, as after an abandoned takeover, and starts as the primary that it was. So a setting that standbys must not
 * have lower than their primary can be lowered: a start as a standby would keep the old value.
 */
export function restartInPlace(view: View, record: ClusterRecord): Decision | null {
  const { local } = view;
  if (local.control?.state !== 'shut down' || record.settled.primary !== local.identity) return null;
  if (record.settled.timeline !== record.timeline || isFenced(record.fenced, view.self)) return null;
  const cohort = { members: record.settled.cohort, acks: record.settled.acks };
  // Asynchronous: nothing but an unexpired Lease keeps others from leading. A quorum would acknowledge nothing here then.
  const isPermitted = record.settled.acks > 0 || view.now < permittedUntil(view, record);
  const begun = isSelfBumped(record) && record.ending === null && view.hold.renewing;
  if (begun && isPermitted && local.promise <= record.epoch) {
    return (
      startAgain(view, 'start') ?? {
        kind: 'start-primary',
        cohort,
        reason: `begins epoch ${record.epoch} again`,
      }
    );
  }
  if (record.ending?.cause !== 'restart' || record.settled.epoch !== record.epoch) return null;
  const superior = superiorTo(view, record.epoch);
  if (superior !== null) return null;
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK) {
    return { kind: 'look', reason: 'a direct GET precedes a new epoch' };
  }
  const next = epoch(Math.max(record.epoch + 1, local.promise, highestPromise(view, record)));
  const line = { at: new Date(view.wallClock).toISOString(), switchLsn: null };
  return {
    kind: 'swap-record',
    change: 'restart',
    record: { ...selfBumped(record, next, line), holder: view.hold.holder, ending: null },
    reason: 'it restarts in place, on the same timeline',
  };
}
