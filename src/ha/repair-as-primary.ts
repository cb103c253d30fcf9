import { type Decision, wait } from './decision.ts';
import { ageOf, isNewer } from './floor.ts';
import { isolated } from './isolation.ts';
import { FRESH_LOOK } from './lease.ts';
import { permittedUntil, quorumIsFresh } from './permission.ts';
import { superseded } from './primary.ts';
import type { ClusterRecord, Seen } from './record.ts';
import { selfBumped } from './transitions.ts';
import { elapsed, epoch } from './units.ts';
import type { View } from './view.ts';

/**
 * A running primary whose record is gone or went backwards: it writes what it holds anew, but only while `k` of its
 * published cohort give fresh replies, so that nobody else can have been recruited.
 */
export function repairAsPrimary(view: View, why: string): Decision {
  const held = view.record.lastValid;
  if (held === null || held.primary !== view.local.identity) {
    return giveWay(view, `${why}, and this member never held a valid one`);
  }
  // An older copy must not become the record again: a member saw a newer one, which this process never wrote or forgot.
  const { seen, told } = view.record;
  if (isOfEpoch(seen, held) || isOfEpoch(told, held)) {
    return giveWay(view, `${why}, and the one that this member held is older, too`);
  }
  const superior = superseded(view, held.epoch);
  if (superior !== null) return superior;
  const { server } = view.local;
  const lapsed = view.now >= permittedUntil(view, held) && !held.paused;
  if (lapsed && server !== null && (server.doorOpen || held.settled.acks === 0)) {
    return isolated(view, held, server);
  }
  if (held.settled.acks > 0 && !quorumIsFresh(view, held)) {
    return giveWay(view, `${why}; it is repaired once ${held.settled.acks} of the cohort reply`);
  }
  if (elapsed(view.record.readAt, view.now) > FRESH_LOOK) {
    return { kind: 'look', reason: `${why}: it is read before it is repaired` };
  }
  // Above an epoch that somebody saw and nobody follows: whoever saw it believes none below it.
  const above =
    told !== null && told.epoch > held.epoch
      ? selfBumped(held, epoch(told.epoch + 1), {
          at: new Date(view.wallClock).toISOString(),
          switchLsn: server?.forks.at(-1)?.switchLsn ?? null,
        })
      : held;
  const record: ClusterRecord = { ...above, holder: view.hold.holder, ending: null, switchover: null };
  const reason = `${why}: the primary repairs it`;
  if (view.record.current === null) return { kind: 'create-record', record, reason };
  return { kind: 'swap-record', change: 'repair', record, reason };
}

/** Whether a newer record of the same epoch was seen. */
function isOfEpoch(seen: Seen | null, held: ClusterRecord): boolean {
  return seen !== null && seen.epoch === held.epoch && isNewer(seen, ageOf(held));
}

/**
 * A primary that may not repair keeps everybody else from it: standbys that were restarted follow nobody without a
 * record, so its quorum would never come back. After a whole lease duration it becomes a standby, and all promise.
 */
function giveWay(view: View, why: string): Decision {
  const { current, known, absentSince, changedAt, apiReachable } = view.record;
  const since = current === null ? absentSince : changedAt;
  if (!known || since === null) return wait(why);
  if (elapsed(since, view.now) < view.settings.leaseDuration) return wait(why);
  // Nothing else of a primary that may not renew asks the API, and an idle watch may be silent for a minute.
  if (!apiReachable) return { kind: 'look', reason: `${why}: does the API still say so?` };
  return {
    kind: 'stop',
    mode: 'fast',
    demotion: true,
    reason: `${why}: it becomes a standby to be recruited`,
  };
}
