import { wantedCohort } from './cohort.ts';
import { type Decision, wait } from './decision.ts';
import { compareLsn } from './lsn.ts';
import { countIn, parseSynchronousStandbyNames, synchronousStandbyNames } from './quorum.ts';
import type { ClusterRecord, Cohort } from './record.ts';
import { runningTask, startAgain } from './tasks.ts';
import { settled } from './transitions.ts';
import { elapsed } from './units.ts';
import type { ServerView, View } from './view.ts';

/** How long an epoch row may wait before standbys outside the new cohort are counted in as well. */
const WIDEN_AFTER = 2_000;

/** An epoch that its own holder gave itself: same timeline, WAL and clients. */
export function isSelfBumped(record: ClusterRecord): boolean {
  return (
    record.settled.epoch < record.epoch &&
    record.settled.primary === record.primary &&
    record.settled.timeline === record.timeline
  );
}

/** Row, acknowledgements, second swap. */
export function settle(view: View, record: ClusterRecord, server: ServerView): Decision {
  const bumped = isSelfBumped(record);
  if (!bumped && server.doorOpen) {
    return { kind: 'close-door', reason: `epoch ${record.epoch} is not settled` };
  }
  const names = parseSynchronousStandbyNames(server.synchronousStandbyNames);
  if (names === null) {
    return wait(`synchronous_standby_names is foreign: ${server.synchronousStandbyNames}`);
  }
  const busy = runningTask(view, 'epoch-row');
  if (view.hold.rowLsn === null) {
    if (busy === null) {
      return (
        startAgain(view, 'epoch-row') ?? {
          kind: 'write-epoch-row',
          epoch: record.epoch,
          timeline: record.timeline,
          cohort: names,
          reason: `the first commit of epoch ${record.epoch}`,
        }
      );
    }
    return (
      widen(view, record, server, names, bumped) ??
      wait(`epoch ${record.epoch} waits for ${names.acks} acknowledgements`)
    );
  }
  const rowLsn = view.hold.rowLsn;
  // One that still catches up may report WAL of another history: its receiver begins with where its replay stands.
  const flushed = server.walsenders.filter(
    (walsender) => walsender.streaming && compareLsn(walsender.flushLsn, rowLsn) >= 0,
  );
  const have = countIn(
    names.members,
    flushed.map((walsender) => walsender.identity),
  );
  if (have < names.acks) {
    return (
      widen(view, record, server, names, bumped) ??
      wait(`${have} of ${names.acks} flushed the row of epoch ${record.epoch}`)
    );
  }
  if (view.local.promise > record.epoch) {
    return { kind: 'stop', mode: 'fast', demotion: true, reason: `it promised epoch ${view.local.promise}` };
  }
  // An epoch that the holder gave itself changes only the number: cohort and acks change by their own rules.
  const cohort: Cohort = bumped
    ? { members: record.settled.cohort, acks: record.settled.acks }
    : names.acks === 0
      ? { members: [], acks: 0 }
      : names;
  return {
    kind: 'settle',
    record: settled(record, cohort, {
      at: new Date(view.wallClock).toISOString(),
      cause: view.hold.cause,
      switchLsn: server.forks.at(-1)?.switchLsn ?? null,
    }),
    reason: `${have} of ${names.members.length} hold the row of epoch ${record.epoch}`,
  };
}

/** An unsettled cohort may still change: whoever streams this history may acknowledge its row. */
function widen(
  view: View,
  record: ClusterRecord,
  server: ServerView,
  names: Cohort,
  bumped: boolean,
): Decision | null {
  if (bumped || names.acks === 0) return null;
  if (elapsed(view.hold.leadingSince, view.now) < WIDEN_AFTER) return null;
  const wanted = wantedCohort(view, {
    ...record,
    settled: { ...record.settled, cohort: names.members, acks: names.acks },
  });
  const members = [...new Set([...names.members, ...wanted.members])];
  // Never more acks: a walsender that has not read them yet would release a commit early, and the epoch is published
  // without the proof that a raised `k` needs. It is raised once the epoch is settled.
  const acks = view.settings.durability === 'preferred' ? Math.min(names.acks, wanted.acks) : names.acks;
  const cohort = { members, acks };
  if (synchronousStandbyNames(cohort) === server.synchronousStandbyNames) return null;
  return { kind: 'set-names', cohort, reason: 'standbys outside the new cohort stream its history' };
}
