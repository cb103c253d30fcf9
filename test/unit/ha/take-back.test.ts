import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { standingOf } from '../../../src/ha/floor.ts';
import { judgePromise } from '../../../src/ha/promise.ts';
import type { ClusterRecord, RecoveryOperation } from '../../../src/ha/record.ts';
import {
  abandoned,
  abandonRecovery,
  beginRecovery,
  claimRecovered,
  confirmRecovery,
  isHalted,
  pauseRecovery,
  resumeRecovery,
} from '../../../src/ha/recovery.ts';
import { mayRenew } from '../../../src/ha/renewal.ts';
import { takeBack } from '../../../src/ha/take-back.ts';
import { beginFirstEpoch, settled } from '../../../src/ha/transitions.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import type { Kept, LocalView, PeerView } from '../../../src/ha/view.ts';
import {
  ago,
  emptyView,
  expecting,
  holderOf,
  id,
  lsn,
  name,
  peer,
  peerState,
  primaryView,
  record,
  SYSTEM,
  settledAs,
  standbyView,
  stoppedView,
  task,
  UID,
  type ViewPatch,
} from './views.ts';

const ID = 'abcd0123';
const WISH: Omit<RecoveryOperation, 'state' | 'paused' | 'before'> = {
  id: ID,
  goal: { kind: 'time', value: '2026-01-01 00:00:00+00', exclusive: false },
  timeline: timelineId(3),
  backup: 'base_000000030000000000000002',
  by: name(0),
  at: '2026-01-02T00:00:00.000Z',
  pauses: false,
};

const operationOf = (of: ClusterRecord): RecoveryOperation => of.recovery!;
const STOPPING = beginRecovery(record({ paused: true, highestTimeline: timelineId(6) }), WISH);
const CLAIM = claimRecovered(STOPPING, operationOf(STOPPING), {
  member: name(0),
  holder: holderOf(0),
  leaseDuration: STOPPING.leaseDuration,
});
const BEGUN = beginFirstEpoch(CLAIM, id(0, 2), holderOf(0), SYSTEM, {
  epoch: epoch(2),
  timeline: timelineId(7),
});
const SERVING = settled(
  BEGUN,
  { members: [id(1, 2)], acks: 1 },
  { at: WISH.at, cause: 'recovery in place', switchLsn: null },
);
const ABANDONING = abandonRecovery(SERVING, operationOf(SERVING), name(0));
const CONFIRMED = confirmRecovery(SERVING, operationOf(SERVING));
const GIVEN_UP = abandoned(ABANDONING, operationOf(ABANDONING));

const kept = (phase: Kept['phase'], patch: Partial<Kept> = {}): Kept => ({
  id: ID,
  phase,
  generation: 1,
  ...patch,
});
/** Data that the recovery made. */
const NEW_LIFE: Partial<LocalView> = {
  generation: 2,
  kept: kept('aside'),
  floor: { epoch: BEGUN.epoch, primary: id(0, 2), revision: 9 },
};
const FRESH = { readAt: ago(100), changedAt: ago(500) };

const saying = (index: number, phase: Kept['phase'] | null, seen: Partial<PeerView> = {}): PeerView => ({
  ...peer(
    index,
    {
      state: phase === 'aside' ? 'empty' : 'stopped',
      incarnation: phase === 'aside' ? null : peerState(index).incarnation,
      kept: phase === null ? null : { id: ID, phase },
    },
    seen,
  ),
});

const aside = (index: number, patch: ViewPatch = {}) =>
  emptyView(index, {
    record: STOPPING,
    ...patch,
    local: { kept: kept('aside'), ...patch.local },
  });
const back = (index: number, patch: ViewPatch = {}) =>
  stoppedView(index, {
    record: ABANDONING,
    ...patch,
    local: { kept: kept('back'), generation: 3, ...patch.local },
  });

describe('without a recovery in place', () => {
  test('these rules decide nothing', () => {
    expect(takeBack(primaryView())).toBeNull();
    expect(takeBack(emptyView(1))).toBeNull();
    expect(takeBack(emptyView(1, { record: null }))).toBeNull();
  });
});

describe('the record of a recovery', () => {
  test('takes back what other wishes were in it, and remembers what it was', () => {
    expect(STOPPING).toMatchObject({
      paused: false,
      ending: null,
      switchover: null,
      epoch: 3,
      generation: 1,
    });
    expect(operationOf(STOPPING)).toMatchObject({
      state: 'stopping',
      before: { generation: 1, settled: settledAs({}), highestTimeline: 6 },
    });
  });

  test('becomes a claim on the next life, in whose cohort nobody is', () => {
    expect(CLAIM).toMatchObject({
      generation: 2,
      systemIdentifier: '',
      primary: null,
      epoch: 3,
      highestTimeline: 6,
      settled: { epoch: 0, cohort: [] },
      clusterUID: UID,
      recovery: { state: 'recovering', by: 'pg-0' },
    });
    expect(CLAIM.revision).toBeGreaterThan(STOPPING.revision);
  });

  test('begins above every epoch and timeline of before, and serves once that is settled', () => {
    expect(BEGUN).toMatchObject({ epoch: 4, timeline: 7, highestTimeline: 7, generation: 2 });
    expect(BEGUN.recovery?.state).toBe('recovering');
    expect(SERVING.recovery?.state).toBe('serving');
  });

  test('is gone when it is confirmed, which is remembered', () => {
    expect(CONFIRMED.recovery).toBeUndefined();
    expect(CONFIRMED).toMatchObject({ confirmed: ID, generation: 2, epoch: 4 });
  });

  test('is as it was when it is abandoned, in a third life, above every epoch of both', () => {
    expect(GIVEN_UP.recovery).toBeUndefined();
    expect(GIVEN_UP).toMatchObject({
      generation: 3,
      holder: '',
      primary: id(0),
      epoch: 5,
      timeline: 3,
      highestTimeline: 7,
      settled: settledAs({}),
      systemIdentifier: SYSTEM,
    });
  });
});

describe('stopping', () => {
  test.each([
    ['a primary', () => primaryView({ record: STOPPING })],
    ['a standby', () => standbyView({ record: STOPPING })],
    ['a standby that would take over', () => standbyView({ record: STOPPING, suspectedSince: ago(5_000) })],
  ])('stops %s, and decides nothing else', (_what, view) => {
    expect(decide(view())).toMatchObject({ kind: 'stop', mode: 'fast', demotion: true });
  });

  test('makes sure that nothing is left of a member that is down', () => {
    const view = stoppedView(1, { record: STOPPING, local: { provenDead: false } });
    expect(decide(view)).toMatchObject({ kind: 'stop', mode: 'kill' });
  });

  test('sets the data of a stopped member aside, and of one without data the note of it', () => {
    for (const view of [stoppedView(1, { record: STOPPING }), emptyView(1, { record: STOPPING })])
      expect(decide(view)).toMatchObject({ kind: 'set-aside', id: ID, generation: 1 });
    const broken = stoppedView(1, { record: STOPPING, local: { data: 'broken' } });
    expect(decide(broken)).toMatchObject({ kind: 'set-aside' });
  });

  test('cuts a clone and a restore off, and waits for what cannot be cut off', () => {
    const cloning = emptyView(1, {
      record: STOPPING,
      local: { state: 'cloning' },
      tasks: [task('clone')],
    });
    expect(decide(cloning)).toMatchObject({ kind: 'set-aside' });
    for (const kind of ['start', 'stop', 'rewind', 'set-aside'] as const) {
      const view = stoppedView(1, { record: STOPPING, tasks: [task(kind)] });
      expect(decide(view), kind).toMatchObject({ kind: 'wait' });
    }
  });

  test('goes on when every expected member says that its data is aside', () => {
    const all = [saying(1, 'aside'), saying(2, 'aside')];
    expect(decide(aside(0, { peers: all, seen: FRESH }))).toMatchObject({
      kind: 'swap-record',
      change: 'recover',
      record: CLAIM,
    });
    for (const peers of [
      [saying(1, 'aside'), saying(2, null)],
      [saying(1, 'aside'), saying(2, 'moving')],
      [saying(1, 'aside')],
      [saying(1, 'aside'), saying(2, 'aside', { answeredAt: ago(10_000) })],
    ])
      expect(decide(aside(0, { peers, seen: FRESH }))).toMatchObject({ kind: 'wait' });
  });

  test('reads the record before it goes on', () => {
    const peers = [saying(1, 'aside'), saying(2, 'aside')];
    expect(decide(aside(0, { peers, seen: { readAt: ago(5_000) } }))).toMatchObject({ kind: 'look' });
  });

  test('is carried on by another only when the one that has it is silent for a whole Lease', () => {
    const peers = [saying(0, 'aside'), saying(2, 'aside')];
    expect(decide(aside(1, { peers, seen: FRESH }))).toMatchObject({ kind: 'wait' });
    const seen = { readAt: ago(100), changedAt: ago(11_000) };
    expect(decide(aside(1, { peers, seen }))).toMatchObject({ kind: 'wait' });
    const patient = { readAt: ago(100), changedAt: ago(40_000) };
    expect(decide(aside(1, { peers, seen: patient }))).toMatchObject({
      kind: 'swap-record',
      record: { recovery: { by: 'pg-1' }, holder: holderOf(1) },
    });
    const two = { ...expecting(2) };
    const alone = [saying(0, 'aside', { answeredAt: ago(20_000), last: 'refused' })];
    // It said that its data is aside; but that is not how it is now.
    expect(decide(aside(1, { peers: alone, seen, settings: two }))).toMatchObject({ kind: 'wait' });
  });

  test('lets a member whose data is aside end', () => {
    const view = aside(1, { peers: [saying(0, null)], wishes: { shutdown: true } });
    expect(decide(view)).toMatchObject({ kind: 'exit', leavesPostgres: false });
  });

  test('touches nothing under a record that is of the past', () => {
    const newer = stoppedView(1, { record: STOPPING, local: { generation: 2 } });
    expect(takeBack(newer)).toBeNull();
    const above = stoppedView(1, {
      record: STOPPING,
      local: { floor: { epoch: epoch(9), primary: id(0), revision: 1 } },
    });
    expect(takeBack(above)).toBeNull();
    const seen = { clusterUID: UID, epoch: epoch(9), revision: 1 };
    expect(takeBack(aside(1, { seen: { seen } }))).toBeNull();
  });

  test('leaves what is kept for another recovery to a person, unless that was confirmed', () => {
    const other = kept('aside', { id: 'other' });
    const local = { kept: other, generation: 1 };
    expect(decide(stoppedView(1, { record: STOPPING, local }))).toMatchObject({
      kind: 'problem',
      code: 'RECOVERY_LEFT_OVER',
    });
    const confirmed = { ...STOPPING, confirmed: 'other' };
    expect(decide(stoppedView(1, { record: confirmed, local }))).toMatchObject({
      kind: 'drop-kept',
      id: 'other',
    });
    expect(
      decide(stoppedView(1, { record: STOPPING, local: { kept: kept('back', { id: 'other' }) } })),
    ).toMatchObject({ kind: 'drop-kept' });
  });
});

describe('while all are stopped', () => {
  test('nobody promises, and nobody renews', () => {
    expect([STOPPING, ABANDONING].map(isHalted)).toEqual([true, true]);
    expect([record(), CLAIM, SERVING, CONFIRMED].map(isHalted)).toEqual([false, false, false, false]);
    const request = {
      clusterUID: UID,
      candidate: id(2),
      epoch: epoch(4),
      recordEpoch: epoch(3),
      recordRevision: STOPPING.revision,
    };
    const view = standbyView({
      record: { ...STOPPING, holder: '' },
      server: { receiver: null, follows: null, atEndOfWal: true },
    });
    expect(judgePromise(view, request)).toMatchObject({
      grant: false,
      reason: expect.stringContaining('taken back'),
    });
    expect(mayRenew(primaryView({ record: STOPPING }), STOPPING)).toBe(false);
  });
});

describe('recovering', () => {
  test('is a bootstrap: whoever claimed restores, the others wait', () => {
    expect(decide(aside(0, { record: CLAIM }))).toMatchObject({ kind: 'initialize' });
    expect(decide(aside(1, { record: CLAIM }))).toMatchObject({ kind: 'wait' });
  });

  test('is claimed anew when the member that restores is gone, and stays a recovery', () => {
    const step = decide(
      aside(1, {
        record: CLAIM,
        peers: [saying(0, 'aside'), saying(2, 'aside')],
        seen: { readAt: ago(100), changedAt: ago(20_000) },
      }),
    );
    expect(step).toMatchObject({
      kind: 'swap-record',
      change: 'bootstrap',
      record: {
        generation: 2,
        highestTimeline: 6,
        recovery: { id: ID, state: 'recovering', by: 'pg-1', before: operationOf(STOPPING).before },
      },
    });
  });

  test('has no use for data of the life before', () => {
    const view = stoppedView(2, { record: BEGUN });
    expect(decide(view)).toMatchObject({ kind: 'problem', code: 'FOREIGN_CLUSTER' });
  });
});

describe('serving', () => {
  test('is a cluster like any', () => {
    const led = { ...SERVING, primary: id(0), holder: holderOf(0), timeline: timelineId(3) };
    const { recovery: _, ...plain } = led;
    const local = { ...NEW_LIFE, floor: null };
    const without = { ...local, kept: null };
    expect(decide(primaryView({ record: led, local }))).toEqual(
      decide(primaryView({ record: plain, local: without })),
    );
  });
});

describe('a life of the cluster', () => {
  test('has no use for the record of another', () => {
    const { local } = stoppedView(1, { local: { generation: 2, floor: null } });
    expect(standingOf(record({ generation: 2 }), local, null).kind).toBe('valid');
    expect(standingOf(record({ generation: 1 }), local, null).kind).toBe('backwards');
    expect(standingOf(record({ generation: 3 }), local, null).kind).toBe('foreign');
    const none = { ...local, generation: null, clusterUID: null };
    expect(standingOf(record({ generation: 3 }), none, null).kind).toBe('valid');
  });

  test('promises nothing to a candidate of another', () => {
    const server = { receiver: null, follows: null, atEndOfWal: true };
    const request = {
      clusterUID: UID,
      candidate: id(2),
      epoch: epoch(9),
      recordEpoch: epoch(3),
      recordRevision: 7,
    };
    const view = standbyView({ record: null, server, local: { generation: 2 } });
    expect(judgePromise(view, request)).toMatchObject({
      grant: false,
      reason: expect.stringContaining('life 2'),
    });
    expect(judgePromise(view, { ...request, generation: 2 })).toEqual({ grant: true });
  });
});

describe('abandoning', () => {
  test('stops whoever runs, and brings back what was set aside', () => {
    const running = primaryView({ record: ABANDONING, local: NEW_LIFE });
    expect(decide(running)).toMatchObject({ kind: 'stop', demotion: true });
    const down = stoppedView(0, { record: ABANDONING, local: NEW_LIFE });
    expect(decide(down)).toMatchObject({ kind: 'bring-back', id: ID, generation: 3, inPlace: false });
  });

  test('cuts the restore off', () => {
    const record = abandonRecovery(CLAIM, operationOf(CLAIM), name(1));
    const view = aside(0, { record, local: { state: 'initializing' }, tasks: [task('initialize')] });
    expect(decide(view)).toMatchObject({ kind: 'bring-back', generation: 3, inPlace: false });
  });

  test('leaves the data in place that was never set aside', () => {
    const record = abandonRecovery(STOPPING, operationOf(STOPPING), name(0));
    const view = stoppedView(2, { record });
    expect(decide(view)).toMatchObject({ kind: 'bring-back', generation: 2, inPlace: true });
    // A member that was away all the time, too.
    expect(decide(stoppedView(2, { record: ABANDONING }))).toMatchObject({ generation: 3, inPlace: true });
  });

  test('removes what a member cloned that joined since', () => {
    const view = stoppedView(2, { record: ABANDONING, local: { ...NEW_LIFE, kept: null } });
    expect(decide(view)).toMatchObject({ kind: 'bring-back', inPlace: false });
  });

  test('touches no data of another life, nor under a record that is of the past', () => {
    expect(takeBack(stoppedView(2, { record: ABANDONING, local: { generation: 4 } }))).toBeNull();
    const seen = { clusterUID: UID, epoch: epoch(9), revision: 1 };
    expect(takeBack(back(1, { seen: { seen } }))).toBeNull();
    expect(
      takeBack(back(1, { local: { floor: { epoch: epoch(9), primary: id(1), revision: 0 } } })),
    ).toBeNull();
    expect(takeBack(back(1, { local: { generation: 5 } }))).toBeNull();
  });

  test('never lets one directory take the place of another of the same life', () => {
    const view = stoppedView(1, { record: ABANDONING, local: { kept: kept('aside'), generation: 1 } });
    expect(decide(view)).toMatchObject({ kind: 'problem', code: 'RECOVERY_LEFT_OVER' });
  });

  test('is over when everybody says that its data is back', () => {
    const all = [saying(1, 'back'), saying(2, 'back')];
    expect(decide(back(0, { peers: all, seen: FRESH }))).toMatchObject({
      kind: 'swap-record',
      change: 'abandon',
      record: GIVEN_UP,
    });
    const waiting = back(0, { peers: [saying(1, 'back'), saying(2, 'returning')], seen: FRESH });
    expect(decide(waiting)).toMatchObject({ kind: 'wait' });
  });

  test('stops a member again that was started while the record was not known', () => {
    const view = standbyView({ record: ABANDONING, local: { kept: kept('back'), generation: 3 } });
    expect(decide(view)).toMatchObject({ kind: 'stop' });
  });

  test('ends in a cluster that elects out of the old cohort', () => {
    const old = { ...back(0).local, floor: { epoch: epoch(3), primary: id(0), revision: 7 } };
    expect(standingOf(GIVEN_UP, old, null).kind).toBe('valid');
    const down = stoppedView(0, {
      record: GIVEN_UP,
      local: { kept: kept('back'), generation: 3 },
      hold: { renewing: false },
    });
    expect(decide(down)).toMatchObject({ kind: 'start-standby' });
    const up = standbyView({
      self: 0,
      record: GIVEN_UP,
      local: { kept: kept('back'), generation: 3, timeline: timelineId(3) },
      server: { receiver: null, follows: null, atEndOfWal: true, flushLsn: lsn(5_000), doorOpen: true },
      peers: [peer(1), peer(2)],
      hold: { renewing: false },
      // As the bookkeeping of what is kept goes on beside it.
      tasks: [task('drop-kept')],
    });
    expect(decide(up)).toMatchObject({ kind: 'win', record: { epoch: 6, timeline: 8, generation: 3 } });
  });
});

describe('afterwards', () => {
  const local = { ...NEW_LIFE, floor: null };

  test('what was kept goes once that is confirmed, from a member that has data of the new life', () => {
    const record = { ...CONFIRMED, primary: id(0) };
    expect(takeBack(standbyView({ record, local }))).toMatchObject({ kind: 'drop-kept', id: ID });
    expect(takeBack(emptyView(1, { record, local: { kept: kept('aside') } }))).toBeNull();
    expect(takeBack(standbyView({ record, local, tasks: [task('clone')] }))).toBeNull();
    expect(takeBack(standbyView({ record, local, tasks: [task('drop-kept')] }))).toBeNull();
  });

  test('it stays where the record was lost and made anew without a word of it', () => {
    const { confirmed: _, ...silent } = CONFIRMED;
    expect(takeBack(standbyView({ record: { ...silent, primary: id(0) }, local }))).toBeNull();
  });

  test('the note goes when the data is back', () => {
    const view = standbyView({ record: GIVEN_UP, local: { kept: kept('back'), generation: 3 } });
    expect(takeBack(view)).toMatchObject({ kind: 'drop-kept' });
  });

  test('a member whose data is aside says so under a record that knows of nothing', () => {
    expect(decide(emptyView(1, { local: { kept: kept('aside') } }))).toMatchObject({
      kind: 'problem',
      code: 'RECOVERY_LEFT_OVER',
    });
  });

  test('nobody begins a new cluster beside data that is set aside, although the record is gone', () => {
    const view = emptyView(0, {
      record: null,
      peers: [saying(1, 'aside'), saying(2, 'aside')],
      seen: { readAt: ago(100), absentSince: ago(60_000) },
    });
    expect(decide(view)).toMatchObject({ kind: 'problem', code: 'RECORD_LOST_IN_RECOVERY' });
    const own = emptyView(0, { record: null, local: { kept: kept('aside') }, peers: [] });
    expect(decide(own)).toMatchObject({ kind: 'problem', code: 'RECORD_LOST_IN_RECOVERY' });
  });
});

describe('a recovery that pauses', () => {
  const paused = { at: '2026-01-02T00:01:00.000Z', socketDirectory: '/tmp/a' };
  const pausing = claimRecovered(
    beginRecovery(record(), { ...WISH, pauses: true }),
    operationOf(beginRecovery(record(), { ...WISH, pauses: true })),
    { member: name(0), holder: holderOf(0), leaseDuration: STOPPING.leaseDuration },
  );
  const wish = operationOf(pausing);

  test('is told to stand by the member that recovers, once for each place', () => {
    const standing = pauseRecovery(pausing, wish, name(0), paused)!;
    expect(operationOf(standing)).toMatchObject({ state: 'recovering', paused });
    expect(standing.revision).toBe(pausing.revision + 1);
    expect(pauseRecovery(standing, wish, name(0), paused)).toBeNull();
    const again = pauseRecovery(standing, wish, name(0), { ...paused, socketDirectory: '/tmp/b' })!;
    expect(operationOf(again).paused?.socketDirectory).toBe('/tmp/b');
  });

  test('does not stand where another recovers, where it was resumed, or abandoned', () => {
    expect(pauseRecovery(pausing, wish, name(1), paused)).toBeNull();
    expect(pauseRecovery(resumeRecovery(pausing, wish, null), wish, name(0), paused)).toBeNull();
    const goal = { ...WISH.goal, value: '2026-01-01 00:05:00+00' };
    expect(pauseRecovery(resumeRecovery(pausing, wish, goal), wish, name(0), paused)).toBeNull();
    expect(pauseRecovery(abandonRecovery(pausing, wish, name(0)), wish, name(0), paused)).toBeNull();
    expect(pauseRecovery(record(), wish, name(0), paused)).toBeNull();
  });

  test('goes on to a later target to pause there, or to its end', () => {
    const standing = pauseRecovery(pausing, wish, name(0), paused)!;
    const goal = { ...WISH.goal, value: '2026-01-01 00:05:00+00' };
    expect(operationOf(resumeRecovery(standing, operationOf(standing), goal))).toMatchObject({
      goal,
      pauses: true,
      paused: null,
    });
    expect(operationOf(resumeRecovery(standing, operationOf(standing), null))).toMatchObject({
      goal: WISH.goal,
      pauses: false,
      paused: null,
    });
  });

  test('stands no more once another claims it', () => {
    const standing = pauseRecovery(pausing, wish, name(0), paused)!;
    const other = claimRecovered(standing, operationOf(standing), {
      member: name(1),
      holder: holderOf(1),
      leaseDuration: STOPPING.leaseDuration,
    });
    expect(operationOf(other)).toMatchObject({ by: name(1), pauses: true, paused: null });
  });
});
