import { describe, expect, test } from 'vitest';
import { synchronousStandbyNames } from '../../../src/ha/quorum.ts';
import { asksToReturn, mayReplace, primaryState, replaceData, wayBack } from '../../../src/ha/returning.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  cohort,
  END,
  forksTo,
  id,
  lsn,
  orphanView,
  peer,
  primaryPeer,
  primaryView,
  record,
  server,
  settledAs,
  standbyView,
  stoppedView,
  type ViewPatch,
  walsender,
  wonBy,
} from './views.ts';

/** pg-2 leads epoch 4 on timeline 4, which left timeline 3 at `at`. */
const newPrimary = (at: number, state = {}) =>
  primaryPeer(2, {
    timeline: timelineId(4),
    forks: [...forksTo(3), { timeline: timelineId(3), switchLsn: lsn(at) }],
    checkpointTimeline: timelineId(4),
    position: { epoch: epoch(4), lsn: lsn(at + 100) },
    promise: epoch(4),
    ...state,
  });
const settled4 = wonBy(2, {
  settled: settledAs({ epoch: epoch(4), primary: id(2), timeline: timelineId(4) }),
});
const view = (at: number, patch: ViewPatch = {}, state = {}) =>
  orphanView({ record: settled4, peers: [newPrimary(at, state)], ...patch });

describe('the way back to a primary', () => {
  test('is to follow, where all local WAL is in its history', () => {
    expect(wayBack(view(END), settled4)).toEqual({ kind: 'follow' });
  });
  test('is a rewind, where local WAL goes past the switch', () => {
    expect(wayBack(view(END - 1), settled4)).toEqual({ kind: 'rewind', switchLsn: lsn(END - 1) });
  });
  test('is a clone, where a timeline of the same number was another', () => {
    const other = { timeline: timelineId(4), forks: forksTo(4) };
    expect(wayBack(view(END - 1, { server: other }), settled4)).toMatchObject({ kind: 'clone' });
  });
  test('is unknown before the primary runs on its timeline, or where another incarnation answers', () => {
    expect(wayBack(view(END, {}, { timeline: timelineId(3) }), settled4)).toMatchObject({ kind: 'unknown' });
    const reborn = wonBy(2, { primary: id(2, 2) });
    expect(primaryState(view(END), reborn)).toBeNull();
    expect(wayBack(view(END), reborn)).toMatchObject({ kind: 'unknown' });
  });
  test('of a stopped member is told by the end of its local WAL, not by its checkpoint', () => {
    const stopped = stoppedView(1, {
      record: settled4,
      peers: [newPrimary(END - 1)],
      local: { endOfWal: lsn(END) },
    });
    expect(wayBack(stopped, settled4)).toMatchObject({ kind: 'rewind' });
  });
});

describe('to a winner that has not promoted yet', () => {
  const winner = (at: number, state = {}) =>
    orphanView({
      record: wonBy(2),
      peers: [peer(2, { promise: epoch(4), position: { epoch: epoch(3), lsn: lsn(at) }, ...state })],
    });
  test('who holds no more than it may connect at once', () => {
    expect(wayBack(winner(END), wonBy(2))).toEqual({ kind: 'follow' });
  });
  test('who holds more waits for its history', () => {
    expect(wayBack(winner(END - 1), wonBy(2))).toMatchObject({ kind: 'unknown' });
  });
  test('what it said before it promised tells nothing: it may have been rewound since', () => {
    expect(wayBack(winner(END, { promise: epoch(0) }), wonBy(2))).toMatchObject({ kind: 'unknown' });
  });
});

describe('data may be replaced', () => {
  test('towards a settled epoch', () => {
    expect(mayReplace(view(END), settled4).may).toBe(true);
  });
  test('towards an unsettled one only when its primary asks, and the record was just read', () => {
    const unsettled = wonBy(2);
    const patch = { record: unsettled };
    expect(mayReplace(view(END, patch), unsettled).may).toBe(false);
    expect(mayReplace(view(END, patch, { asksToReturn: true }), unsettled).may).toBe(true);
    const stale = { ...patch, seen: { readAt: ago(2_000) } };
    expect(mayReplace(view(END, stale, { asksToReturn: true }), unsettled)).toEqual({
      may: false,
      reason: 'look',
    });
  });
  test('never where its own WAL marks a later epoch as settled than the record', () => {
    const marked = { record: wonBy(2), server: { settledEpoch: epoch(5) } };
    expect(mayReplace(view(END, marked, { asksToReturn: true }), wonBy(2)).may).toBe(false);
  });
  test('not towards an unsettled epoch while stopped: its marks are only known while it runs', () => {
    const stopped = stoppedView(1, {
      record: wonBy(2),
      peers: [newPrimary(END - 1, { asksToReturn: true })],
    });
    expect(mayReplace(stopped, wonBy(2)).may).toBe(false);
  });
  test('is given where the last settled primary gave itself a higher epoch: it may lack this very acknowledgement', () => {
    const bumped = { ...settled4, epoch: epoch(5) };
    expect(mayReplace(view(END), bumped).may).toBe(true);
    expect(mayReplace(view(END, { seen: { readAt: ago(2_000) } }), bumped)).toEqual({
      may: false,
      reason: 'look',
    });
    expect(mayReplace(view(END, { server: server({ settledEpoch: epoch(5) }) }), bumped).may).toBe(false);
  });
});

describe('replacing data', () => {
  const replace = (at: number, patch: ViewPatch = {}, state = {}, of = settled4) => {
    const seen = view(at, { record: of, ...patch }, state);
    return replaceData(seen, of, wayBack(seen, of));
  };
  test('stops Postgres, then rewinds', () => {
    expect(replace(END - 1)).toMatchObject({ kind: 'stop', demotion: false });
    const stopped = stoppedView(1, { record: settled4, peers: [newPrimary(END - 1)] });
    expect(replaceData(stopped, settled4, wayBack(stopped, settled4))).toMatchObject({
      kind: 'rewind',
      switchLsn: lsn(END - 1),
    });
  });
  test('waits for the control file of the primary to show the new timeline', () => {
    expect(replace(END - 1, {}, { checkpointTimeline: timelineId(3) })).toMatchObject({ kind: 'wait' });
  });
  test('towards an unsettled primary is a clone: the old directory is kept', () => {
    expect(replace(END - 1, {}, { asksToReturn: true }, wonBy(2))).toMatchObject({ kind: 'clone' });
  });
  test('is no matter where it only has to follow', () => {
    expect(replace(END)).toBeNull();
  });
});

describe('an unsettled primary asks members to return', () => {
  const asking = (patch: ViewPatch = {}, of = wonBy(0)) =>
    asksToReturn(
      primaryView({ record: of, hold: { leadingSince: ago(6_000) }, server: { walsenders: [] }, ...patch }),
      of,
    );
  test('when fewer than k of its cohort stream', () => {
    expect(asking()).toBe(true);
    expect(asking({ server: { walsenders: [walsender(2)] } })).toBe(false);
    expect(asking({ server: { walsenders: [walsender(2, { streaming: false })] } })).toBe(true);
  });
  test('not at once, not when settled, not in asynchronous mode, not as a standby', () => {
    // Those outside its new cohort are counted in first.
    expect(asking({ hold: { leadingSince: ago(3_000) } })).toBe(false);
    expect(asking({}, record())).toBe(false);
    expect(
      asking({ server: { walsenders: [], synchronousStandbyNames: synchronousStandbyNames(cohort(0)) } }),
    ).toBe(false);
    expect(asksToReturn(standbyView({ server: server() }), wonBy(1))).toBe(false);
  });
});
