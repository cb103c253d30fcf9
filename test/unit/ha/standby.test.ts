import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  cohort,
  deadPeer,
  END,
  forksTo,
  holderOf,
  id,
  ids,
  lsn,
  orphanView,
  peer,
  primaryPeer,
  record,
  server,
  settledAs,
  standbyView,
  streamingFrom,
  task,
  type ViewPatch,
  wonBy,
} from './views.ts';

const decides = (patch: ViewPatch = {}) => decide(standbyView(patch));
/** pg-2 leads the settled epoch 4 on timeline 4, which left timeline 3 at `at`. */
const epoch4 = wonBy(2, { settled: settledAs({ epoch: epoch(4), primary: id(2), timeline: timelineId(4) }) });
const leader4 = (at: number, state = {}) =>
  primaryPeer(2, {
    timeline: timelineId(4),
    forks: [...forksTo(3), { timeline: timelineId(3), switchLsn: lsn(at) }],
    checkpointTimeline: timelineId(4),
    floor: { epoch: epoch(4), primary: id(2), revision: 7 },
    ...state,
  });
const alone = (patch: ViewPatch = {}): ViewPatch => ({ server: server(), ...patch });

describe('a standby', () => {
  test('has nothing to do while it streams', () => {
    expect(decides()).toMatchObject({ kind: 'wait', reason: `follows ${id(0)} in epoch 3` });
  });
  test('lets readers in', () => {
    expect(decides({ server: { doorOpen: false } }).kind).toBe('open-door');
  });
  test('lets them in again where it is not known whether they are', () => {
    expect(decides({ server: { doorOpen: true, doorInDoubt: true } }).kind).toBe('open-door');
  });
  test('lets them in while it follows nobody: whoever is to write goes on to the next host', () => {
    const nobody = alone({ server: server({ doorOpen: false }) });
    const waits = { ...nobody, local: { promise: epoch(4) } };
    expect(decides(waits).kind).toBe('open-door');
    // It was the primary, and the API is away: the direct GET before its win does not come.
    const floor = { epoch: epoch(3), primary: id(1), revision: 0 };
    const of = record({ primary: id(1), settled: settledAs({ primary: id(1) }) });
    const own = { ...nobody, local: { floor }, record: of };
    const away = { apiReachable: false, readAt: ago(60_000) };
    expect(decides({ ...own, seen: away }).kind).toBe('open-door');
    expect(decides({ ...own, seen: { readAt: ago(60_000) } }).kind).toBe('look');
    expect(decides({ ...nobody, record: null, seen: { known: false } }).kind).toBe('open-door');
    expect(decides({ ...nobody, record: null, seen: { absentSince: ago(100) } }).kind).toBe('open-door');
  });
  test('keeps its door closed while it is about to promote', () => {
    const closed = { server: { doorOpen: false }, local: { promise: epoch(4) } };
    expect(decides({ ...closed, suspectedSince: ago(50) }).kind).toBe('wait');
    expect(decides({ ...closed, tasks: [task('promote', { of: '4' })] }).kind).not.toBe('open-door');
    const ending = { target: id(1), cause: 'switchover' } as const;
    expect(decides({ ...closed, record: record({ ending }) }).kind).not.toBe('open-door');
  });
  test('raises its floor with an epoch that its primary gave itself', () => {
    const of = record({ epoch: epoch(5) });
    expect(decides({ record: of })).toMatchObject({ kind: 'follow', floor: { epoch: 5, primary: id(0) } });
  });
  test('follows nobody below its promise', () => {
    expect(decides({ local: { promise: epoch(4) } }).kind).toBe('wait');
    const of = record({ epoch: epoch(4) });
    expect(decides({ record: of, local: { promise: epoch(4) } }).kind).toBe('follow');
  });
  test('restarts, when a setting keeps its replay from going on', () => {
    expect(decides({ local: { settingsTooLow: true } })).toMatchObject({ kind: 'stop', demotion: false });
  });
  test('waits for nobody who has released', () => {
    const peers = [peer(0), peer(2, { hearsPrimary: true })];
    const of = record({ holder: '', ending: { target: id(2), cause: 'switchover' } });
    expect(decides(alone({ record: of, peers }))).toMatchObject({
      kind: 'wait',
      reason: 'the Lease is released',
    });
  });
  test('that does not answer for hungAfter is stopped, and starts again', () => {
    const silent = (ms: number): ViewPatch => ({ server: null, local: { silentSince: ago(ms) } });
    expect(decides(silent(1_000)).kind).toBe('wait');
    expect(decides(silent(10_000)).kind).toBe('stop');
  });
});

describe('a standby turns to a new primary', () => {
  const turn = (at: number, patch: ViewPatch = {}, state = {}) =>
    decides(alone({ record: epoch4, peers: [peer(0), leader4(at, state)], ...patch }));

  test('when all its WAL is in that history', () => {
    expect(turn(END)).toMatchObject({ kind: 'follow', primary: id(2), floor: { epoch: 4, primary: id(2) } });
  });
  test('never connects where its WAL has diverged: Postgres would count what it reports', () => {
    expect(turn(END - 1)).toMatchObject({ kind: 'stop', demotion: false });
    expect(turn(END - 1, {}, { checkpointTimeline: timelineId(3) })).toMatchObject({ kind: 'wait' });
  });
  test('not before it has read all its local WAL', () => {
    expect(turn(END, { server: server({ atEndOfWal: false }) })).toMatchObject({ kind: 'wait' });
  });
  test('not before that history is known; the old one is left at once', () => {
    const promoting = { state: 'promoting', timeline: timelineId(3) } as const;
    expect(turn(END, {}, promoting)).toMatchObject({ kind: 'wait' });
    expect(turn(END, { server: streamingFrom(0) }, promoting)).toMatchObject({ kind: 'unfollow' });
  });
  test('before it has promoted, where it holds no more than the winner', () => {
    const winner = peer(2, { promise: epoch(4) });
    const seen = { epochSeenAt: ago(100) };
    expect(decides(alone({ record: wonBy(2), peers: [peer(0), winner], seen }))).toMatchObject({
      kind: 'follow',
    });
  });
  test('and compares again when it cannot stream', () => {
    const patch = {
      server: server({ follows: id(2) }),
      local: { floor: { epoch: epoch(4), primary: id(2), revision: 7 } },
    };
    expect(turn(END - 1, patch)).toMatchObject({ kind: 'stop' });
    expect(turn(END, { ...patch, local: { ...patch.local, walRemoved: true } })).toMatchObject({
      kind: 'clone',
    });
  });
  test('whose WAL is gone is cloned only from a settled one', () => {
    const following = { server: server({ follows: id(2) }), record: wonBy(2) };
    const locally = { floor: { epoch: epoch(4), primary: id(2), revision: 7 }, walRemoved: true };
    expect(turn(END, { ...following, local: locally }).kind).toBe('wait');
  });
});

describe('the winner of an epoch', () => {
  const won = (patch: ViewPatch = {}) => decide(orphanView({ record: wonBy(1), ...patch }));
  test('promotes to the timeline that was reserved', () => {
    expect(won()).toMatchObject({ kind: 'promote', epoch: 4, timeline: 4, cohort: cohort(1, 2) });
  });
  test('waits for its promotion', () => {
    expect(won({ tasks: [task('promote', { of: '4' })] }).kind).toBe('wait');
  });
  test('stops a promotion whose epoch is over', () => {
    const decision = won({ record: wonBy(2), tasks: [task('promote', { of: '4' })] });
    expect(decision).toMatchObject({ kind: 'stop', mode: 'kill', demotion: true });
  });
  test('does not promote what nothing is renewed for: a swap of unknown outcome after a demotion is won again', () => {
    const won4 = { record: wonBy(1), hold: { renewing: false } };
    expect(won(won4)).toMatchObject({ kind: 'recruit', epoch: 5 });
  });
  test('does not promote under a promise for a later epoch', () => {
    expect(won({ local: { promise: epoch(5) } }).kind).not.toBe('promote');
  });
  test('renews nothing more when it is fenced or shut down before it promoted', () => {
    expect(won({ record: wonBy(1, { fenced: ['pg-1'] }) })).toMatchObject({ kind: 'stop', demotion: true });
    const wishes = { shutdown: true, shutdownSince: ago(10) };
    expect(won({ wishes })).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('that lost its agent recruits again, though the others hear its Postgres', () => {
    const of = wonBy(1, { holder: holderOf(1, 9) });
    const peers = [peer(0), peer(2, { hearsPrimary: true, streamingFrom: id(1) })];
    expect(won({ record: of, peers })).toMatchObject({ kind: 'recruit', epoch: 5 });
  });
});

describe('the last settled primary, come back as a standby', () => {
  const back = (patch: ViewPatch = {}) =>
    decide(orphanView({ self: 0, peers: [peer(1), peer(2)], ...patch }));
  test('leads again, and needs no promise but its own', () => {
    expect(back()).toMatchObject({
      kind: 'win',
      proof: 'own',
      resourceVersion: '7',
      record: { epoch: 4, primary: id(0), timeline: 4, settled: { epoch: 3 } },
    });
  });
  test('and so does the winner of a rebuilt record that nobody settled: everybody promised to it', () => {
    const settled = settledAs({ epoch: epoch(2), primary: null, cohort: ids(0, 1, 2) });
    expect(back({ record: record({ settled }), peers: [deadPeer(1), deadPeer(2)] })).toMatchObject({
      kind: 'win',
      proof: 'own',
    });
    const other = settledAs({ epoch: epoch(2), primary: id(1), cohort: ids(0, 2) });
    expect(back({ record: record({ settled: other }), peers: [deadPeer(1), deadPeer(2)] }).kind).not.toBe(
      'win',
    );
  });
  test('asks for what was promised', () => {
    const peers = [peer(1, { promise: epoch(6) }), peer(2)];
    expect(back({ peers })).toMatchObject({ kind: 'win', record: { epoch: 6 } });
    expect(back({ local: { promise: epoch(8) } })).toMatchObject({ record: { epoch: 8 } });
  });
  test('reads the record first, and all its WAL', () => {
    expect(back({ seen: { readAt: ago(1_100) } }).kind).toBe('look');
    expect(back({ server: { atEndOfWal: false } }).kind).toBe('wait');
    expect(back({ server: { follows: id(1) } }).kind).toBe('unfollow');
  });
  test('lets the others go first after a release, unless they withdraw in its favour', () => {
    const released = { record: record({ holder: '' }), hold: { releasedAt: ago(1_000) } };
    expect(back(released).kind).toBe('wait');
    expect(back({ ...released, wishes: { lead: { epoch: epoch(4), at: ago(100) } } }).kind).toBe('win');
    expect(back({ ...released, hold: { releasedAt: ago(3_000) } }).kind).toBe('win');
  });
  test('wins nothing by a record that went backwards', () => {
    const peers = [peer(1, { floor: { epoch: epoch(7), primary: id(2), revision: 7 } }), peer(2)];
    expect(back({ peers, seen: { readAt: ago(50) } }).kind).toBe('wait');
    // The member was asked after the record was read: a new epoch may just have begun.
    expect(back({ peers, seen: { readAt: ago(500) } }).kind).toBe('look');
  });
});

describe('a standby ends', () => {
  const shutdown = (ms: number) => ({ shutdown: true, shutdownSince: ago(ms) });
  test('after the primary took it out of its cohort', () => {
    expect(decides({ wishes: shutdown(100) }).kind).toBe('wait');
    expect(
      decides({ wishes: shutdown(100), record: record({ settled: settledAs({ cohort: [id(2)] }) }) }).kind,
    ).toBe('stop');
  });
  test('after three seconds at the latest, and at once where it cannot be spared', () => {
    expect(decides({ wishes: shutdown(3_000) }).kind).toBe('stop');
    expect(decides({ wishes: shutdown(100), record: record({ settled: settledAs({ acks: 2 }) }) }).kind).toBe(
      'stop',
    );
  });
  test('to be fenced, restarted or made anew', () => {
    expect(decides({ record: record({ fenced: ['pg-1'] }) })).toMatchObject({
      kind: 'stop',
      demotion: false,
    });
    expect(decides({ wishes: { restart: true } }).kind).toBe('stop');
    expect(decides({ wishes: { reinitialize: true } }).kind).toBe('stop');
  });
});
