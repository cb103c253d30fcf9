import { describe, expect, test } from 'vitest';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import {
  HISTORY_KEPT,
  released,
  renewed,
  selfBumped,
  settled,
  withCohort,
  withEnding,
  won,
} from '../../../src/ha/transitions.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import { cohort, holderOf, id, ids, lsn, record, wonBy } from './views.ts';

const line = { at: '2026-01-01T00:00:00Z', switchLsn: lsn(5_000) };
const entry = { ...line, cause: 'failover' };
/** The epoch that a member learns for a timeline from one record: the lowest that it tells. */
const reservedFor = (of: ClusterRecord, timeline: number) =>
  Math.min(
    ...of.history.filter((one) => one.timeline === timeline).map((one) => one.epoch),
    ...(of.timeline === timeline ? [of.epoch] : []),
  );

test('a winner takes a timeline that was never reserved, and leaves what is settled', () => {
  const winner = { primary: id(1), holder: holderOf(1), epoch: epoch(6), leaseDuration: millis(10_000) };
  const ending = { target: id(1), cause: 'switchover' } as const;
  expect(won({ ...record({ ending }), highestTimeline: 9 as never }, winner)).toMatchObject({
    epoch: 6,
    timeline: 10,
    highestTimeline: 10,
    settled: record().settled,
    ending: null,
  });
});

test('settling publishes the cohort that acknowledged', () => {
  expect(settled(wonBy(1), cohort(1, 2, 0), entry).settled).toEqual({
    epoch: 4,
    primary: id(1),
    timeline: 4,
    cohort: ids(0, 2),
    acks: 1,
  });
});

test('every write that changes whom a takeover must recruit counts the revision up, and no other does', () => {
  const before = record();
  expect(settled(wonBy(1), cohort(1, 2, 0), entry).revision).toBe(before.revision + 1);
  expect(withCohort(before, cohort(1, 1)).revision).toBe(before.revision + 1);
  const winner = { primary: id(1), holder: holderOf(1), epoch: epoch(4), leaseDuration: millis(10_000) };
  for (const next of [
    won(before, winner),
    renewed(before, holderOf(0), lsn(1)),
    released(before),
    withEnding(before, { target: id(1), cause: 'switchover' }),
    selfBumped(before, epoch(5), line),
  ]) {
    expect(next.revision).toBe(before.revision);
  }
});

describe('an epoch that a holder gives itself', () => {
  test('keeps timeline, cohort and acks', () => {
    expect(selfBumped(record(), epoch(7), line)).toMatchObject({
      epoch: 7,
      timeline: 3,
      settled: { epoch: 3, cohort: ids(1, 2) },
    });
  });
  test('never hides what its timeline was reserved for, however often and from whichever state', () => {
    let unsettled = wonBy(1);
    for (let next = 5; next < 10; next += 1) unsettled = selfBumped(unsettled, epoch(next), line);
    expect(reservedFor(unsettled, 4)).toBe(4);
    let now = settled(unsettled, cohort(1, 0, 2), entry);
    for (let next = 10; next < 10 + 2 * HISTORY_KEPT; next += 1) {
      now = settled(selfBumped(now, epoch(next), line), cohort(1, 0, 2), entry);
    }
    expect(reservedFor(now, 4)).toBe(4);
    expect(now.history.length).toBeLessThanOrEqual(HISTORY_KEPT);
    expect(now.history.at(-1)?.epoch).toBe(now.epoch);
  });
});

test('a renewal, a release and an announced end change nothing else', () => {
  expect(renewed(record(), holderOf(0), lsn(9))).toEqual({ ...record(), flushLsn: lsn(9) });
  expect(released(record())).toEqual({ ...record(), holder: '' });
  const ending = { target: id(1), cause: 'switchover' } as const;
  const asked = record({ switchover: { target: null, at: null, requestedAt: '' } });
  expect(withEnding(asked, ending)).toEqual({ ...record(), ending });
  expect(withEnding(withEnding(record(), ending), null)).toEqual(record());
});
