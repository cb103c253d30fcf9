import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { LSN_ZERO } from '../../../src/ha/lsn.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import type { ControlFile } from '../../../src/ha/view.ts';
import {
  ago,
  cohort,
  deadPeer,
  END,
  forksTo,
  holderOf,
  id,
  lsn,
  peer,
  primaryPeer,
  record,
  SYSTEM,
  settledAs,
  stoppedView,
  task,
  type ViewPatch,
  wonBy,
} from './views.ts';

const shutDown: ControlFile = {
  systemIdentifier: SYSTEM,
  state: 'shut down',
  checkpointTimeline: timelineId(3),
  checkpointLsn: lsn(END - 100),
  shutdownEndLsn: lsn(END),
};
const down = (patch: ViewPatch = {}) =>
  decide(
    stoppedView(0, {
      ...patch,
      hold: { renewing: false, stoppedAt: ago(100), ...patch.hold },
      local: { control: shutDown, ...patch.local },
    }),
  );
const standby = (patch: ViewPatch = {}) => decide(stoppedView(1, patch));
const shutdown = { shutdown: true, shutdownSince: ago(100) };

describe('a primary whose Postgres came down', () => {
  test('is killed to the last process before anything else', () => {
    expect(down({ local: { provenDead: false } })).toMatchObject({ kind: 'stop', mode: 'kill' });
  });
  test('releases, where a member of the cohort can take over', () => {
    expect(down()).toMatchObject({ kind: 'release', record: { holder: '', epoch: 3 } });
  });
  test('starts again, where nobody can', () => {
    expect(down({ peers: [deadPeer(1), deadPeer(2)] }).kind).toBe('start-standby');
    const tags = { nofailover: true, nosync: false, priority: 0 };
    expect(down({ peers: [peer(1, { tags }), peer(2, { ending: true })] }).kind).toBe('start-standby');
    const others = record({ settled: settledAs({ cohort: [id(1, 2)] }) });
    expect(down({ record: others }).kind).toBe('start-standby');
  });
  test('starts again while paused: its role stays', () => {
    expect(down({ record: record({ paused: true }) }).kind).toBe('start-standby');
  });
  test('starts as a standby after its agent was restarted too', () => {
    expect(down({ record: record({ holder: holderOf(0, 2) }) }).kind).toBe('start-standby');
  });
  test('of a first epoch that never settled starts again', () => {
    const settled = { epoch: epoch(0), primary: null, timeline: timelineId(0), cohort: [], acks: 0 };
    expect(down({ record: record({ settled }) }).kind).toBe('start-standby');
  });
  test('stays down while fenced, and releases', () => {
    const of = record({ fenced: ['pg-0'] });
    expect(down({ record: of }).kind).toBe('release');
    expect(down({ record: { ...of, holder: '' } }).kind).toBe('wait');
  });
});

describe('a planned end', () => {
  const ending = { target: id(1), cause: 'shutdown' } as const;
  const has = (position: number) => [peer(1, { position: { epoch: epoch(3), lsn: lsn(position) } }), peer(2)];
  const of = record({ ending });

  test('is released once the target has the shutdown checkpoint, and stays promised to it', () => {
    expect(down({ record: of, peers: has(END) })).toMatchObject({
      kind: 'release',
      record: { holder: '', ending },
    });
  });
  test('waits three seconds for it, then is taken back', () => {
    expect(down({ record: of, peers: has(END - 1) }).kind).toBe('wait');
    expect(down({ record: of, peers: has(END - 1), hold: { stoppedAt: ago(3_000) } }).kind).toBe(
      'start-standby',
    );
  });
  test('is not promised to the target where it did not get everything and this member leaves', () => {
    const late = { record: of, peers: has(END - 1), hold: { stoppedAt: ago(3_000) }, wishes: shutdown };
    expect(down(late)).toMatchObject({ kind: 'release', record: { ending: null } });
  });
  test('is taken back at once after an unclean stop', () => {
    expect(down({ record: of, peers: has(END), local: { control: null } }).kind).toBe('start-standby');
  });
  test('of a restart begins a new epoch in place, on the same timeline, by a record that was just read', () => {
    const ending = { target: id(0), cause: 'restart' } as const;
    const restart = record({ ending });
    expect(down({ record: restart })).toMatchObject({
      kind: 'swap-record',
      change: 'restart',
      record: { epoch: 4, timeline: 3, ending: null, settled: { epoch: 3 } },
    });
    expect(down({ record: restart, seen: { readAt: ago(1_100) } }).kind).toBe('look');
    const begun = record({ epoch: epoch(4) });
    expect(down({ record: begun, hold: { renewing: true } })).toMatchObject({
      kind: 'start-primary',
      cohort: cohort(1, 1, 2),
    });
  });
  test('of a restart without a quorum starts as a primary only while its Lease keeps others from leading', () => {
    const begun = record({ epoch: epoch(4), settled: settledAs({ acks: 0 }) });
    const renewedBefore = (ms: number) =>
      down({ record: begun, hold: { renewing: true, renewedAt: ago(ms) } }).kind;
    expect(renewedBefore(2_000)).toBe('start-primary');
    expect(renewedBefore(9_000)).toBe('release');
  });
  test('of a restart that was no clean stop starts as a standby, like any crash', () => {
    const restart = record({ ending: { target: id(0), cause: 'restart' } });
    expect(down({ record: restart, local: { control: null } }).kind).toBe('start-standby');
  });
  test('lets its successor begin before it starts again, where that one needs no help', () => {
    const gone = { record: record({ holder: '', ending }), hold: { releasedAt: ago(100) } };
    expect(down(gone)).toMatchObject({ kind: 'wait', reason: 'its successor begins first' });
    const begins = [primaryPeer(1, { open: false }), peer(2)];
    expect(down({ ...gone, record: wonBy(1), peers: begins }).kind).toBe('wait');
    const serving = [primaryPeer(1, { open: true }), peer(2)];
    expect(down({ ...gone, record: wonBy(1), peers: serving }).kind).toBe('start-standby');
    expect(down({ ...gone, hold: { releasedAt: ago(1_000) } }).kind).toBe('start-standby');
    expect(down({ ...gone, peers: [peer(1), deadPeer(2)] }).kind).toBe('start-standby');
  });
  test('sees that somebody takes over before it exits', () => {
    const released = { record: record({ holder: '', ending }), wishes: shutdown };
    expect(down({ ...released, hold: { releasedAt: ago(1_000) } }).kind).toBe('wait');
    expect(down({ ...released, hold: { releasedAt: ago(3_000) } }).kind).toBe('exit');
    expect(
      down({ ...released, hold: { releasedAt: ago(1_000) }, peers: [deadPeer(1), deadPeer(2)] }).kind,
    ).toBe('exit');
  });
});

describe('a stopped member', () => {
  const epoch4 = wonBy(2, {
    settled: settledAs({ epoch: epoch(4), primary: id(2), timeline: timelineId(4) }),
  });
  const leader = (at: number, state = {}) =>
    primaryPeer(2, {
      timeline: timelineId(4),
      forks: [...forksTo(3), { timeline: timelineId(3), switchLsn: lsn(at) }],
      checkpointTimeline: timelineId(4),
      ...state,
    });

  test('starts as a standby that follows nobody', () => {
    expect(standby().kind).toBe('start-standby');
    expect(standby({ record: null, seen: { known: false } }).kind).toBe('start-standby');
  });
  test('starts again after a pause, where the last start failed', () => {
    expect(standby({ tasks: [task('start', { outcome: 'failed', error: 'no' })] }).kind).toBe('wait');
    expect(standby({ tasks: [task('start', { outcome: 'failed', startedAt: ago(1_000) })] }).kind).toBe(
      'start-standby',
    );
  });
  test('is rewound where it diverged from a settled primary', () => {
    expect(standby({ record: epoch4, peers: [leader(END - 1)] })).toMatchObject({
      kind: 'rewind',
      from: id(2),
    });
    expect(standby({ record: epoch4, peers: [leader(END)] }).kind).toBe('start-standby');
  });
  test('is not, towards an unsettled one: it starts, and its WAL tells what it marks as settled', () => {
    const asking = leader(END - 1, { asksToReturn: true });
    expect(standby({ record: wonBy(2), peers: [asking] }).kind).toBe('start-standby');
  });
  test('whose end of WAL is not known starts and reads it', () => {
    const unknown = { endOfWal: LSN_ZERO };
    expect(standby({ record: epoch4, peers: [leader(END - 1)], local: unknown }).kind).toBe('start-standby');
  });
  test('with half-made data is cloned anew, from a primary that serves', () => {
    const broken = { data: 'broken' as const };
    expect(standby({ local: broken, peers: [primaryPeer(0)] })).toMatchObject({ kind: 'clone', from: id(0) });
    expect(standby({ local: broken }).kind).toBe('wait');
    expect(standby({ local: broken, record: null }).kind).toBe('wait');
  });
  test('is made anew by a wish, but not from itself', () => {
    const wishes = { reinitialize: true };
    expect(standby({ wishes, peers: [primaryPeer(0)] }).kind).toBe('clone');
    expect(down({ wishes, hold: { stoppedAt: null }, record: record({ holder: holderOf(0, 2) }) }).kind).toBe(
      'start-standby',
    );
  });
  test('is made anew by a wish towards an unsettled primary that needs it', () => {
    const wishes = { reinitialize: true };
    const asking = leader(END, { asksToReturn: true });
    expect(standby({ wishes, record: wonBy(2), peers: [asking] }).kind).toBe('clone');
    expect(standby({ wishes, record: wonBy(2), peers: [leader(END)] }).kind).toBe('wait');
  });
  test('exits on a shutdown, and stays down while fenced', () => {
    expect(standby({ wishes: shutdown }).kind).toBe('exit');
    expect(standby({ record: record({ fenced: ['*'] }) }).kind).toBe('wait');
  });
});
