import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { beginFirstEpoch, claimBootstrap } from '../../../src/ha/transitions.ts';
import { epoch, millis, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  emptyPeer,
  emptyView,
  holderOf,
  id,
  ids,
  peer,
  primaryPeer,
  record,
  SYSTEM,
  settledAs,
  standbyView,
  stoppedView,
  task,
  UID,
  unknownPeer,
  type ViewPatch,
  wonBy,
} from './views.ts';

const allEmpty = [0, 1, 2].map(emptyPeer);
const empty = (index: number, patch: ViewPatch = {}) =>
  decide(emptyView(index, { record: null, peers: allEmpty.filter((_, other) => other !== index), ...patch }));
const claimOf = (index: number, boot = 1) => claimBootstrap(holderOf(index, boot), null, UID, millis(10_000));

describe('without a record', () => {
  test('the first expected member begins, when every one says that it has no data', () => {
    expect(empty(0)).toMatchObject({ kind: 'create-record', record: { epoch: 0, systemIdentifier: '' } });
    expect(empty(1).kind).toBe('wait');
  });
  test('nobody begins before the API said that there is none, by a direct read', () => {
    expect(empty(0, { seen: { known: false } }).kind).toBe('wait');
    expect(empty(0, { seen: { readAt: ago(2_000) } }).kind).toBe('look');
  });
  test('nobody begins while a member has data, or has not said', () => {
    expect(empty(0, { peers: [emptyPeer(1), peer(2)] }).kind).toBe('wait');
    expect(empty(0, { peers: [emptyPeer(1), unknownPeer(2)] }).kind).toBe('wait');
    expect(empty(0, { peers: [emptyPeer(1)] }).kind).toBe('wait');
    const stale = { ...emptyPeer(2), answeredAt: ago(4_000) };
    expect(empty(0, { peers: [emptyPeer(1), stale] }).kind).toBe('wait');
  });
});

describe('a claim', () => {
  test('is followed by initdb, and initdb by the first epoch', () => {
    expect(empty(0, { record: claimOf(0) }).kind).toBe('initialize');
    const made = { systemIdentifier: SYSTEM, clusterUID: null, floor: null };
    expect(decide(stoppedView(0, { record: claimOf(0), local: made })).kind).toBe('begin-first-epoch');
  });
  test('of another member is waited for, until it expires while nobody has data', () => {
    expect(empty(1, { record: claimOf(0) }).kind).toBe('wait');
    const expired = { changedAt: ago(10_000) };
    expect(empty(1, { record: claimOf(0), seen: expired })).toMatchObject({
      kind: 'swap-record',
      change: 'bootstrap',
      record: { clusterUID: UID, holder: holderOf(1), systemIdentifier: '' },
    });
    expect(empty(1, { record: claimOf(0), seen: expired, peers: [peer(0), emptyPeer(2)] }).kind).toBe('wait');
  });
  test('whose agent died after initdb is taken over by the member that has the data', () => {
    const made = { systemIdentifier: SYSTEM, clusterUID: null, floor: null };
    const restarted = (seen = {}) => decide(stoppedView(0, { record: claimOf(0, 9), local: made, seen }));
    expect(restarted().kind).toBe('wait');
    expect(restarted({ changedAt: ago(10_000), readAt: ago(2_000) }).kind).toBe('look');
    expect(restarted({ changedAt: ago(10_000) })).toMatchObject({
      kind: 'swap-record',
      change: 'bootstrap',
      record: { holder: holderOf(0), systemIdentifier: '' },
    });
  });
  test('whose initdb was interrupted is carried out again', () => {
    const broken = {
      data: 'broken',
      systemIdentifier: '',
      clusterUID: null,
      identity: null,
      floor: null,
    } as const;
    expect(decide(stoppedView(0, { record: claimOf(0), local: broken })).kind).toBe('initialize');
  });
});

describe('the first epoch', () => {
  const first = beginFirstEpoch(claimOf(0), id(0), holderOf(0), SYSTEM);
  const fresh = { floor: null, clusterUID: UID };
  test('begins with a start as a primary', () => {
    expect(first).toMatchObject({ epoch: 1, timeline: 1, highestTimeline: 1, primary: id(0) });
    expect(decide(stoppedView(0, { record: first, local: fresh })).kind).toBe('start-primary');
  });
  test('of restored data is above any in it, on the timeline that its recovery began', () => {
    const inherited = { epoch: epoch(41), timeline: timelineId(5) };
    expect(beginFirstEpoch(claimOf(0), id(0), holderOf(0), SYSTEM, inherited)).toMatchObject({
      epoch: 42,
      timeline: 5,
      highestTimeline: 5,
      settled: { epoch: 0, cohort: [] },
    });
  });
  test('begins again as any other under a new agent', () => {
    const restarted = { ...first, holder: holderOf(0, 9) };
    expect(decide(stoppedView(0, { record: restarted, local: fresh })).kind).toBe('start-standby');
  });
  test('that was lost with its volume before it settled is claimed again', () => {
    const expired = { changedAt: ago(10_000) };
    expect(empty(1, { record: first, seen: expired })).toMatchObject({
      change: 'bootstrap',
      record: { epoch: 1, highestTimeline: 1 },
    });
  });
});

describe('restored data under an epoch that another member began', () => {
  const begun = record({ settled: { ...record().settled } });
  const restored = { inherited: epoch(41), clusterUID: null, floor: null, identity: id(1) } as const;
  test('is cloned over, although its system is the same', () => {
    const view = stoppedView(1, { record: begun, local: restored, peers: [primaryPeer(0)] });
    expect(decide(view)).toMatchObject({ kind: 'clone', from: id(0) });
  });
  test('never follows: where it was started before that was known, it is stopped', () => {
    expect(decide(standbyView({ record: begun, local: restored }))).toMatchObject({ kind: 'stop' });
  });
  test('begins the cluster itself under a claim that was its own', () => {
    const made = { ...restored, identity: id(0), systemIdentifier: SYSTEM };
    expect(decide(stoppedView(0, { record: claimOf(0), local: made })).kind).toBe('begin-first-epoch');
  });
});

describe('a member without data joins', () => {
  test('by a clone of the settled primary', () => {
    expect(empty(1, { record: record(), peers: [primaryPeer(0)] })).toMatchObject({
      kind: 'clone',
      from: id(0),
    });
  });
  test('waits for a primary to serve', () => {
    expect(empty(1, { record: record(), peers: [peer(0)] }).kind).toBe('wait');
    expect(empty(1, { record: wonBy(0), peers: [primaryPeer(0)] }).kind).toBe('wait');
  });
  test('an unsettled primary that asks for it', () => {
    const asking = primaryPeer(0, { asksToReturn: true });
    expect(empty(1, { record: wonBy(0), peers: [asking] }).kind).toBe('clone');
    const rebuilt = { epoch: epoch(0), primary: null, timeline: timelineId(0), cohort: ids(0, 1), acks: 1 };
    expect(empty(1, { record: wonBy(0, { settled: rebuilt }), peers: [asking] }).kind).toBe('clone');
  });
  test('after a pause, where the last clone failed', () => {
    const tasks = [task('clone', { outcome: 'failed' })];
    expect(empty(1, { record: record(), peers: [primaryPeer(0)], tasks }).kind).toBe('wait');
  });
});

describe('a record without data', () => {
  test('is a problem for a person, and nothing is made anew', () => {
    expect(empty(0, { record: record() })).toMatchObject({ kind: 'problem', code: 'RECORD_WITHOUT_DATA' });
  });
  test('also where it was rebuilt and never settled since', () => {
    const settled = settledAs({
      epoch: epoch(0),
      primary: null,
      timeline: timelineId(0),
      cohort: ids(0, 1, 2),
    });
    const expired = { changedAt: ago(60_000) };
    expect(empty(0, { record: wonBy(1, { settled }), seen: expired })).toMatchObject({ kind: 'problem' });
  });
});
