import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { synchronousStandbyNames } from '../../../src/ha/quorum.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  cohort,
  deadPeer,
  END,
  expecting,
  granted,
  id,
  ids,
  lsn,
  orphanView,
  peer,
  record,
  recruitment,
  refused,
  settledAs,
  standbyView,
  UID,
  type ViewPatch,
  wonBy,
} from './views.ts';

const decides = (patch: ViewPatch = {}) => decide(orphanView(patch));
const far = peer(2, { position: { epoch: epoch(3), lsn: lsn(END + 2_000_000) } });

describe('a standby recruits', () => {
  test('the settled cohort and the last settled primary, for the next epoch', () => {
    expect(decides()).toMatchObject({
      kind: 'recruit',
      epoch: 4,
      repair: false,
      from: ['pg-0', 'pg-1', 'pg-2'],
    });
  });
  test('for what was promised already, and not for more with every try', () => {
    expect(decides({ local: { promise: epoch(4) } })).toMatchObject({ kind: 'recruit', epoch: 4 });
    expect(decides({ peers: [deadPeer(0), peer(2, { promise: epoch(6) })] })).toMatchObject({ epoch: 6 });
  });
  test('after a better one had its turn, and at once where that withdrew', () => {
    const patch = { suspectedSince: ago(100), peers: [deadPeer(0), far] };
    expect(decides(patch).kind).toBe('wait');
    expect(decides({ ...patch, suspectedSince: ago(150) }).kind).toBe('recruit');
    expect(decides({ ...patch, wishes: { lead: { epoch: epoch(4), at: ago(10) } } }).kind).toBe('recruit');
  });
  test('at once where another is ahead by no more than what came since it told', () => {
    const near = peer(2, { position: { epoch: epoch(3), lsn: lsn(END + 1_000_000) } });
    expect(decides({ suspectedSince: ago(0), peers: [deadPeer(0), near] }).kind).toBe('recruit');
  });
  test('and prepares its promotion meanwhile, where enough members answer', () => {
    expect(decides()).toMatchObject({ prepares: cohort(1, 2) });
    const needsAll = record({ settled: settledAs({ cohort: ids(1, 2, 3), acks: 1 }) });
    expect(decides({ record: needsAll })).toMatchObject({ kind: 'recruit', prepares: null });
  });
  test('after a pause, where the last one failed', () => {
    expect(decides({ failedRecruitAt: ago(200) }).kind).toBe('wait');
    expect(decides({ failedRecruitAt: ago(250) }).kind).toBe('recruit');
    expect(decides({ failedRecruitAt: ago(250), chance: 0.5 }).kind).toBe('wait');
  });
  test('when the winner of an unsettled epoch died: the last settled cohort', () => {
    const of = wonBy(2);
    const peers = [peer(0, { state: 'standby' }), deadPeer(2)];
    expect(decides({ record: of, peers })).toMatchObject({
      kind: 'recruit',
      epoch: 5,
      from: ['pg-0', 'pg-1', 'pg-2'],
    });
  });
  test('alone in a cluster of two, once the Lease is overdue', () => {
    const of = record({ settled: settledAs({ cohort: ids(1) }) });
    const peers = [peer(0, {}, { last: 'silent', answeredAt: ago(5_000) })];
    const patch = { settings: expecting(2), record: of, peers };
    expect(decides({ ...patch, seen: { changedAt: ago(5_000) } }).kind).not.toBe('recruit');
    expect(decides({ ...patch, seen: { changedAt: ago(6_000) } }).kind).toBe('recruit');
  });
});

describe('a standby does not recruit', () => {
  test('while the primary is heard, or the suspicion is not shared', () => {
    expect(decide(standbyView()).kind).toBe('wait');
    expect(decides({ peers: [deadPeer(0), peer(2, { hearsPrimary: true })] }).kind).not.toBe('recruit');
  });
  test('tagged nofailover, while paused, while it ends', () => {
    expect(decides({ settings: { tags: { nofailover: true, nosync: false, priority: 0 } } }).kind).not.toBe(
      'recruit',
    );
    expect(decides({ record: record({ paused: true }) }).kind).not.toBe('recruit');
    expect(decides({ wishes: { shutdown: true, shutdownSince: ago(10) } }).kind).not.toBe('recruit');
  });
  test('with local WAL that it has not read', () => {
    expect(decides({ server: { atEndOfWal: false } }).kind).toBe('wait');
  });
  test('against a planned end that is another one’s', () => {
    const ending = { target: id(2), cause: 'shutdown' } as const;
    expect(decides({ record: record({ ending }) }).kind).not.toBe('recruit');
    expect(decides({ record: record({ ending }), seen: { changedAt: ago(10_000) } }).kind).toBe('recruit');
    const released = record({ ending, holder: '' });
    expect(decides({ record: released }).kind).not.toBe('recruit');
    expect(decides({ record: released, seen: { changedAt: ago(6_000) } }).kind).toBe('recruit');
  });
  test('as the target of a planned end, before the old primary had the time to release', () => {
    const ending = { target: id(1), cause: 'shutdown' } as const;
    expect(decides({ record: record({ ending }) }).kind).not.toBe('recruit');
    expect(decides({ record: record({ ending }), seen: { changedAt: ago(3_000) } }).kind).toBe('recruit');
  });
});

describe('a recruitment', () => {
  const pursued = (
    answers: Parameters<typeof recruitment>[0],
    patch: Parameters<typeof recruitment>[1] = {},
    view: ViewPatch = {},
  ) => decides({ recruitment: recruitment(answers, patch), ...view });
  const both = [granted(1), granted(2)];

  test('wins by a swap on exactly what it was counted with', () => {
    const base = { record: record({ highestTimeline: timelineId(9) }), resourceVersion: '6' };
    expect(pursued(both, { base })).toMatchObject({
      kind: 'win',
      proof: 'promises',
      resourceVersion: '6',
      record: {
        epoch: 4,
        primary: id(1),
        timeline: 10,
        highestTimeline: 10,
        settled: record().settled,
        ending: null,
      },
    });
  });
  test('waits, and is given up in time', () => {
    expect(pursued([granted(1)]).kind).toBe('wait');
    expect(pursued([granted(1)], { startedAt: ago(1_001) }).kind).toBe('abandon-recruit');
    expect(pursued([granted(1), refused(2)], { complete: true }).kind).toBe('abandon-recruit');
  });
  test('is void when the epoch moved, it promised more, or the look is too old', () => {
    expect(pursued(both, {}, { record: wonBy(2) }).kind).toBe('abandon-recruit');
    expect(pursued(both, {}, { local: { promise: epoch(5) } }).kind).toBe('abandon-recruit');
    expect(pursued(both, { baseAt: ago(1_001) }).kind).toBe('abandon-recruit');
    expect(pursued(both, {}, { record: record({ paused: true }) }).kind).toBe('abandon-recruit');
  });
  test('is void where a member is known to have followed a later epoch', () => {
    const peers = [peer(0, { floor: { epoch: epoch(7), primary: id(0), revision: 7 } }), peer(2)];
    expect(pursued(both, {}, { peers }).kind).toBe('abandon-recruit');
  });
  test('is void where a peer saw a newer record than the one that was read', () => {
    const seen = { clusterUID: UID, epoch: epoch(3), revision: 8 };
    expect(pursued(both, {}, { peers: [peer(0, { seen }), peer(2)] }).kind).toBe('abandon-recruit');
  });
  test('is withdrawn in favour of a better one, or catches up with one that may not lead', () => {
    const more = { epoch: 3, at: END + 1 };
    expect(pursued([granted(1), granted(2, more)])).toMatchObject({ kind: 'yield', to: 'pg-2', epoch: 4 });
    const tagged = granted(2, more, { mayLead: false });
    expect(pursued([granted(1), tagged])).toMatchObject({ kind: 'catch-up', from: id(2), to: lsn(END + 1) });
    expect(pursued([granted(1), tagged], { startedAt: ago(11_000) }).kind).toBe('abandon-recruit');
  });
});

describe('a planned hand-over', () => {
  const ending = { target: id(1), cause: 'switchover' } as const;
  test('is won without promises once the Lease is released', () => {
    const of = record({ ending, holder: '' });
    expect(decide(standbyView({ record: of }))).toMatchObject({
      kind: 'win',
      proof: 'handed-over',
      record: { ending: null },
    });
    expect(decide(standbyView({ record: of, seen: { readAt: ago(2_000) } })).kind).toBe('look');
    const newer = { clusterUID: UID, epoch: epoch(4), revision: 8 };
    expect(decide(standbyView({ record: of, peers: [peer(2, { seen: newer })] })).kind).toBe('look');
  });
  test('is prepared before: the door is closed, and the names are strict', () => {
    const before = record({ ending });
    expect(decide(standbyView({ record: before })).kind).toBe('close-door');
    const closed = standbyView({ record: before, server: { doorOpen: false } });
    expect(decide(closed)).toMatchObject({ kind: 'set-names', cohort: cohort(1, 2) });
    const strict = synchronousStandbyNames(cohort(1, 2));
    const server = { doorOpen: false, synchronousStandbyNames: strict };
    expect(decide(standbyView({ record: before, server })).kind).toBe('wait');
    // Nobody took over, and readers are let in again.
    expect(decide(standbyView({ server }))).toMatchObject({ kind: 'open-door', mark: null });
    const other = record({ ending: { target: id(2), cause: 'switchover' } });
    expect(decide(standbyView({ record: other })).kind).toBe('wait');
  });
});

describe('in asynchronous mode', () => {
  const asynchronous = (patch: Parameters<typeof record>[0] = {}, settled = {}) =>
    record({ settled: settledAs({ acks: 0, ...settled }), ...patch });
  const expired = { changedAt: ago(10_000) };
  const acquires = (of = asynchronous(), patch: ViewPatch = {}) =>
    decides({ record: of, seen: expired, ...patch });

  test('a listed member acquires an expired or released Lease', () => {
    expect(acquires()).toMatchObject({ kind: 'win', proof: 'expired' });
    expect(acquires(asynchronous({ holder: '' }), { seen: {} }).kind).toBe('win');
    expect(acquires(asynchronous(), { seen: { changedAt: ago(9_999) } }).kind).not.toBe('win');
  });
  test('an unlisted one never does', () => {
    expect(acquires(asynchronous({}, { cohort: ids(2) })).kind).not.toBe('win');
    expect(acquires(asynchronous({ holder: '' }, { cohort: ids(2) })).kind).not.toBe('win');
  });
  test('one that lags too far does not', () => {
    expect(acquires(asynchronous({ flushLsn: lsn(END + 1_000) })).kind).toBe('win');
    expect(acquires(asynchronous({ flushLsn: lsn(END + 1_001) })).kind).toBe('wait');
  });
  test('one that promised to wait, or hears the primary, goes on following it', () => {
    const held = { wishes: { heldUntil: ago(-1_000) } };
    expect(acquires(asynchronous(), held).kind).not.toBe('win');
    expect(
      decide(standbyView({ record: asynchronous(), seen: expired, server: { doorOpen: false } })).kind,
    ).toBe('open-door');
  });
  test('a planned end is for its target alone', () => {
    const ending = { target: id(2), cause: 'switchover' } as const;
    expect(acquires(asynchronous({ ending, holder: '' }), { seen: {} }).kind).not.toBe('win');
    expect(
      acquires(asynchronous({ ending: { ...ending, target: id(1) }, holder: '' }), { seen: {} }),
    ).toMatchObject({
      proof: 'handed-over',
    });
  });
  test('the last settled primary takes back what a winner never settled', () => {
    const of = {
      ...wonBy(0, { flushLsn: lsn(END + 9_000) }),
      settled: settledAs({ acks: 0, primary: id(1), cohort: ids(0) }),
    };
    expect(acquires(of)).toMatchObject({
      kind: 'win',
      proof: 'expired',
      record: { epoch: 5, primary: id(1) },
    });
  });
});

describe("a person's word", () => {
  const accepted = { wishes: { failover: { acceptDataLoss: true, since: ago(100) } } };
  test('waives the quorum, and never the expiry', () => {
    expect(decides({ ...accepted, seen: { changedAt: ago(10_000) } })).toMatchObject({
      kind: 'win',
      proof: 'person',
    });
    expect(decides(accepted).kind).not.toBe('win');
  });
  test('that accepts no loss needs the promises all the same', () => {
    const asked = { wishes: { failover: { acceptDataLoss: false, since: ago(100) } } };
    expect(decides({ ...asked, peers: [deadPeer(0), deadPeer(2)] }).kind).toBe('recruit');
  });
});
