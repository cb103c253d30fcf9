import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { synchronousStandbyNames } from '../../../src/ha/quorum.ts';
import { isSelfBumped } from '../../../src/ha/settle.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import type { EpochRow } from '../../../src/ha/view.ts';
import {
  ago,
  checkpointed,
  cohort,
  END,
  expecting,
  holderOf,
  id,
  ids,
  lsn,
  memberRecord,
  peer,
  primaryView,
  record,
  settledAs,
  task,
  UID,
  type ViewPatch,
  walsender,
  wonBy,
} from './views.ts';

const decides = (patch: ViewPatch = {}) => decide(primaryView(patch));
const row: EpochRow = { epoch: epoch(4), primary: id(0), timeline: timelineId(4), settled: false };
/** pg-0 has won epoch 4 and promoted. */
const fresh = (patch: ViewPatch = {}): ViewPatch => ({
  record: wonBy(0, { settled: settledAs({ primary: id(1), cohort: ids(0, 2) }) }),
  ...patch,
  server: { timeline: timelineId(4), doorOpen: false, ...patch.server },
  hold: { leadingSince: ago(500), ...patch.hold },
});
const bumped = (patch: ViewPatch = {}): ViewPatch => ({ record: record({ epoch: epoch(5) }), ...patch });
const acknowledged = { rowLsn: lsn(END) };

describe('a settled primary', () => {
  test('has nothing to do while all is well', () => {
    expect(decides()).toMatchObject({ kind: 'wait', reason: 'leads epoch 3' });
  });
  test('marks its WAL before it opens the door', () => {
    expect(decides({ server: { settledEpoch: epoch(2), doorOpen: false } })).toMatchObject({
      kind: 'open-door',
      mark: { epoch: 3, timeline: 3 },
    });
    expect(decides({ server: { doorOpen: false } })).toMatchObject({ kind: 'open-door', mark: null });
    expect(decides({ server: { settledEpoch: epoch(2) } })).toMatchObject({ kind: 'mark-settled', epoch: 3 });
  });
  test('opens its door again where a change of it was not carried to its end', () => {
    expect(decides({ server: { doorInDoubt: true } })).toMatchObject({ kind: 'open-door', mark: null });
  });
  test('counts a new member in before it marks its WAL, where too few of its cohort stream', () => {
    const of = record({ settled: settledAs({ acks: 2 }) });
    const sender = walsender(2, { identity: id(2, 2) });
    const members = [memberRecord(0), memberRecord(1), memberRecord(2, { incarnation: '00020002' as never })];
    const server = {
      doorOpen: false,
      settledEpoch: epoch(2),
      walsenders: [walsender(1), sender],
      synchronousStandbyNames: synchronousStandbyNames(cohort(2, 1, 2)),
    };
    expect(decides({ record: of, server, members, settings: { acks: 2 } })).toMatchObject({
      kind: 'swap-record',
      change: 'publish-cohort',
    });
    const published = record({ settled: settledAs({ acks: 2, cohort: [id(1), id(2), id(2, 2)] }) });
    const settings = { acks: 2 };
    expect(decides({ record: published, server, members, settings }).kind).toBe('set-names');
    const counted = synchronousStandbyNames({ members: [id(1), id(2, 2)], acks: 2 });
    const names = { ...server, synchronousStandbyNames: counted };
    expect(decides({ record: published, server: names, members, settings }).kind).toBe('open-door');
  });
  test('stops when a member followed a higher epoch', () => {
    const peers = [peer(1, { floor: { epoch: epoch(4), primary: id(1), revision: 7 } }), peer(2)];
    expect(decides({ peers })).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('goes on when a member saw its own new epoch before it did', () => {
    const peers = [peer(1, { floor: { epoch: epoch(4), primary: id(0), revision: 7 } }), peer(2)];
    expect(decides({ peers }).kind).toBe('wait');
  });
  test('stops when the record names another', () => {
    expect(decides({ record: wonBy(1) })).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('goes on under a new agent', () => {
    expect(decides({ record: record({ holder: holderOf(0, 2) }) })).toMatchObject({
      kind: 'swap-record',
      change: 'adopt',
    });
  });
});

describe('an epoch that was just won', () => {
  test('begins with its row', () => {
    expect(decides(fresh())).toMatchObject({
      kind: 'write-epoch-row',
      epoch: 4,
      timeline: 4,
      cohort: cohort(1, 1, 2),
    });
    expect(decides(fresh({ tasks: [task('epoch-row')] })).kind).toBe('wait');
  });
  test('keeps the door closed', () => {
    expect(decides(fresh({ server: { doorOpen: true } })).kind).toBe('close-door');
  });
  test('is settled when k of its own cohort have flushed the row', () => {
    const decision = decides(fresh({ hold: acknowledged, server: { lastRow: row } }));
    expect(decision).toMatchObject({ kind: 'settle' });
    expect(decision.kind === 'settle' && decision.record.settled).toEqual({
      epoch: epoch(4),
      primary: id(0),
      timeline: timelineId(4),
      cohort: ids(1, 2),
      acks: 1,
    });
  });
  test('is not settled by who has not flushed it, or is not of the cohort', () => {
    const behind = walsender(1, { flushLsn: lsn(END - 1) });
    expect(decides(fresh({ hold: acknowledged, server: { walsenders: [behind, walsender(7)] } })).kind).toBe(
      'wait',
    );
  });
  test('is not settled by a walsender that still catches up: its LSN may be of another history', () => {
    const walsenders = [walsender(1, { streaming: false, flushLsn: lsn(END + 500) })];
    expect(decides(fresh({ hold: acknowledged, server: { walsenders } })).kind).toBe('wait');
  });
  test('counts in who streams its history, when its own cohort does not come', () => {
    const names = synchronousStandbyNames(cohort(1, 1));
    const server = { synchronousStandbyNames: names, walsenders: [walsender(2)] };
    const late = { leadingSince: ago(3_000) };
    const wider = { kind: 'set-names', cohort: cohort(1, 1, 2) };
    expect(decides(fresh({ server, hold: late, tasks: [task('epoch-row')] }))).toMatchObject(wider);
    // Also when the one that acknowledged the row went away before it was settled.
    expect(decides(fresh({ server, hold: { ...late, ...acknowledged } }))).toMatchObject(wider);
  });
  test('never lowers k for it, unless durability is only preferred', () => {
    const server = { synchronousStandbyNames: synchronousStandbyNames(cohort(1, 1)), walsenders: [] };
    const hold = { leadingSince: ago(60_000), replies: {} };
    const waiting = { server, hold, tasks: [task('epoch-row')] };
    expect(decides(fresh(waiting)).kind).toBe('wait');
    expect(decides(fresh({ ...waiting, settings: { durability: 'preferred' } }))).toMatchObject({
      kind: 'set-names',
      cohort: { acks: 0 },
    });
  });
  test('never raises k for it: a walsender that has not read it yet would release commits early', () => {
    const names = synchronousStandbyNames(cohort(1, 1));
    const server = { synchronousStandbyNames: names, walsenders: [walsender(1), walsender(2)] };
    const settings = { durability: 'preferred', acks: 2 } as const;
    const hold = { leadingSince: ago(3_000) };
    expect(decides(fresh({ server, hold, settings, tasks: [task('epoch-row')] }))).toMatchObject({
      kind: 'set-names',
      cohort: cohort(1, 1, 2),
    });
  });
  test('is not handed over: who must go just stops', () => {
    expect(decides(fresh({ wishes: { shutdown: true, shutdownSince: ago(10) } })).kind).toBe('stop');
  });
  test('answers promises for a later one by going up to it, or it would never be followed', () => {
    const decision = decides(fresh({ peers: [peer(1, { promise: epoch(6) }), peer(2)] }));
    expect(decision).toMatchObject({
      kind: 'swap-record',
      change: 'self-bump',
      record: { epoch: 6, timeline: 4 },
    });
    // What its timeline was reserved for stays known, and it settles as a takeover, with its own cohort.
    if (decision.kind !== 'swap-record') return;
    expect(decision.record.history.map((line) => [line.epoch, line.timeline])).toEqual([
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(isSelfBumped(decision.record)).toBe(false);
    const settling = decides(fresh({ record: decision.record, hold: acknowledged }));
    expect(settling).toMatchObject({ kind: 'settle', record: { settled: { epoch: 6, cohort: ids(1, 2) } } });
  });
  test('is not settled under a promise for a later one', () => {
    const promised = fresh({
      local: { promise: epoch(5) },
      hold: acknowledged,
      seen: { apiReachable: false },
    });
    expect(decides(promised)).toMatchObject({ kind: 'stop', demotion: true });
  });
});

describe('an abandoned takeover', () => {
  const peers = [peer(1, { promise: epoch(5) }), peer(2)];
  test('is answered by an epoch that the holder gives itself', () => {
    expect(decides({ peers })).toMatchObject({
      kind: 'swap-record',
      change: 'self-bump',
      record: { epoch: 5, timeline: 3, settled: { epoch: 3 } },
    });
  });
  test('is gone above, where it was won and the record forgot it: nobody follows it', () => {
    const told = { clusterUID: UID, epoch: epoch(5), revision: 7 };
    expect(decides({ seen: { told } })).toMatchObject({ change: 'self-bump', record: { epoch: 6 } });
  });
  test('is not, while the API is away', () => {
    expect(decides({ peers, seen: { apiReachable: false } }).kind).toBe('wait');
  });
  test('keeps the clients in, and leaves cohort and acks as they are published', () => {
    expect(decides(bumped()).kind).toBe('write-epoch-row');
    const server = { synchronousStandbyNames: synchronousStandbyNames(cohort(1, 1)) };
    expect(decides(bumped({ hold: acknowledged, server }))).toMatchObject({
      kind: 'settle',
      record: { settled: { epoch: 5, cohort: ids(1, 2), acks: 1 } },
    });
  });
  test('does not keep an isolated primary from closing its door', () => {
    const alone = { server: { walsenders: [] }, hold: { renewedAt: ago(4_000) } };
    expect(decides(bumped(alone)).kind).toBe('close-door');
  });
});

describe('an isolated primary', () => {
  const alone: ViewPatch = {
    server: { walsenders: [] },
    hold: { renewedAt: ago(4_000) },
    seen: { apiReachable: false },
  };
  test('closes its door in quorum mode, keeps Postgres, and opens it again', () => {
    expect(decides(alone).kind).toBe('close-door');
    expect(decides({ ...alone, server: { walsenders: [], doorOpen: false } }).kind).toBe('wait');
    expect(decides({ ...alone, server: { doorOpen: false } }).kind).toBe('open-door');
  });
  test('becomes a standby once it heard of nobody for as long again: libpq passes no closed door by', () => {
    const silent = (ms: number) =>
      [1, 2].map((index) => peer(index, {}, { answeredAt: ago(ms), last: 'silent' }));
    const cutOff = (since: number, peers: ViewPatch['peers']) =>
      decides({
        ...alone,
        server: { walsenders: [], doorOpen: false },
        hold: { renewedAt: ago(since) },
        ...(peers === undefined ? {} : { peers }),
      });
    expect(cutOff(6_000, silent(6_000))).toMatchObject({ kind: 'stop', demotion: true });
    expect(cutOff(5_999, silent(6_000)).kind).toBe('wait');
    expect(cutOff(60_000, [...silent(6_000).slice(1), peer(2)]).kind).toBe('wait');
    expect(cutOff(60_000, []).kind).toBe('wait');
  });
  test('stops in asynchronous mode, once its Lease may have expired', () => {
    const asynchronous = record({ settled: settledAs({ acks: 0 }) });
    expect(decides({ ...alone, record: asynchronous, hold: { renewedAt: ago(7_800) } }).kind).toBe(
      'hold-members',
    );
    expect(decides({ ...alone, record: asynchronous, hold: { renewedAt: ago(7_901) } })).toMatchObject({
      kind: 'stop',
    });
    const held = { renewedAt: ago(60_000), heldUntil: ago(-9_000) };
    expect(decides({ ...alone, record: asynchronous, hold: held }).kind).toBe('wait');
  });
  test('changes neither cohort nor settings while the API is away', () => {
    const server = { walsenders: [walsender(1), walsender(2), walsender(3)] };
    expect(decides({ server, settings: { acks: 2 }, seen: { apiReachable: false } }).kind).toBe('wait');
  });
  test('still hears a shutdown', () => {
    const shutdown = { shutdown: true, shutdownSince: ago(100) };
    expect(decides({ ...alone, wishes: shutdown })).toMatchObject({ kind: 'stop', demotion: true });
    const closed = { ...alone, server: { walsenders: [], doorOpen: false } };
    expect(decides({ ...closed, wishes: shutdown })).toMatchObject({ kind: 'stop', demotion: true });
  });
});

describe('a planned end', () => {
  const shutdown = { shutdown: true, shutdownSince: ago(100) };
  const ends = (patch: ViewPatch) => decides({ tasks: checkpointed, ...patch });
  test('begins with a checkpoint, which holds nothing up', () => {
    expect(decides({ wishes: shutdown }).kind).toBe('checkpoint');
    const under = [task('checkpoint', { startedAt: ago(12_000), outcome: 'running' })];
    const long = { shutdown: true, shutdownSince: ago(12_000) };
    expect(decides({ wishes: long, tasks: under })).toMatchObject({ kind: 'wait', reason: 'leads epoch 3' });
    const failed = [task('checkpoint', { startedAt: ago(1_000), outcome: 'failed' })];
    expect(decides({ wishes: shutdown, tasks: failed }).kind).toBe('announce-end');
    const old = [task('checkpoint', { startedAt: ago(45_000), outcome: 'done' })];
    expect(decides({ wishes: shutdown, tasks: old }).kind).toBe('checkpoint');
  });
  test('is announced, then carried out', () => {
    const decision = ends({ wishes: shutdown });
    expect(decision).toMatchObject({
      kind: 'announce-end',
      record: { ending: { target: id(1), cause: 'shutdown' } },
    });
    const ending = { target: id(1), cause: 'shutdown' } as const;
    expect(ends({ wishes: shutdown, record: record({ ending }) })).toMatchObject({
      kind: 'stop',
      mode: 'fast',
    });
  });
  test('has no target where nobody can take over', () => {
    expect(ends({ wishes: shutdown, settings: expecting(1), members: [] }).kind).toBe('stop');
    expect(ends({ wishes: shutdown, record: record({ paused: true }) }).kind).toBe('stop');
    expect(ends({ record: record({ fenced: ['*'] }) }).kind).toBe('stop');
  });
  test('does not wait for an API that is away, or for ever', () => {
    expect(ends({ wishes: shutdown, seen: { apiReachable: false } }).kind).toBe('stop');
    expect(ends({ wishes: { shutdown: true, shutdownSince: ago(20_000) } }).kind).toBe('stop');
  });
  test('is heard before the mark of a settled epoch, whose quorum may be gone', () => {
    expect(ends({ wishes: shutdown, server: { settledEpoch: epoch(2) } }).kind).toBe('announce-end');
  });
  test('hands a fenced primary over', () => {
    expect(ends({ record: record({ fenced: ['pg-0'] }) })).toMatchObject({
      record: { ending: { cause: 'fence' } },
    });
  });
  test('of a restart keeps the Lease for itself', () => {
    expect(ends({ wishes: { restart: true } })).toMatchObject({
      record: { ending: { target: id(0), cause: 'restart' } },
    });
  });
});

describe('a switchover', () => {
  const ends = (patch: ViewPatch) => decides({ tasks: checkpointed, ...patch });
  const asked = (target: string | null, at: string | null = null) =>
    record({ switchover: { target: target as never, at, requestedAt: '2026-01-01T00:00:00Z' } });
  test('is announced to whom it names, and clears the request', () => {
    expect(ends({ record: asked('pg-2') })).toMatchObject({
      kind: 'announce-end',
      record: { ending: { target: id(2), cause: 'switchover' }, switchover: null },
    });
  });
  test('waits for its time', () => {
    expect(ends({ record: asked(null, '2026-01-01T00:00:01Z') }).kind).toBe('wait');
    expect(ends({ record: asked(null, '2025-12-31T00:00:00Z') }).kind).toBe('announce-end');
  });
  test('is withdrawn where it cannot be', () => {
    for (const of of [asked('pg-0'), asked('pg-9'), { ...asked('pg-1'), paused: true }]) {
      expect(ends({ record: of })).toMatchObject({ kind: 'swap-record', change: 'withdraw' });
    }
  });
});

describe('the cohort of a primary', () => {
  test('takes in a member that streams: published first', () => {
    const of = record({ settled: settledAs({ cohort: ids(1) }) });
    const server = { synchronousStandbyNames: synchronousStandbyNames(cohort(1, 1)) };
    expect(decides({ record: of, server })).toMatchObject({
      kind: 'swap-record',
      change: 'publish-cohort',
      record: { settled: { cohort: ids(1, 2), acks: 1 } },
    });
  });
  test('loses a member in Postgres first, then by proof, then in the record', () => {
    const names = synchronousStandbyNames(cohort(1, 2));
    const gone = { walsenders: [walsender(2)] };
    const hold = { replies: { [id(1)]: ago(11_000), [id(2)]: ago(100) } };
    expect(decides({ server: gone, hold })).toMatchObject({ kind: 'set-names', cohort: cohort(1, 2) });
    const set = { ...gone, synchronousStandbyNames: names };
    expect(decides({ server: set, hold })).toMatchObject({ kind: 'prove-names', before: cohort(1, 1, 2) });
    expect(decides({ server: set, hold, tasks: [task('prove-names')] }).kind).toBe('wait');
    expect(decides({ server: set, hold: { ...hold, provenNames: names } })).toMatchObject({
      change: 'publish-cohort',
    });
  });
  test('is left alone while paused', () => {
    expect(decides({ record: record({ paused: true }), settings: { acks: 2 } }).kind).toBe('wait');
  });
});

describe('a Postgres that hangs', () => {
  const silent = (ms: number): ViewPatch => ({ server: null, local: { silentSince: ago(ms) } });
  test('ends itself after hungAfter', () => {
    expect(decides(silent(9_000)).kind).toBe('wait');
    expect(decides(silent(10_000))).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('counts new connections: one that still answers old ones hangs all the same', () => {
    expect(decides({ local: { silentSince: ago(10_000) } })).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('is not waited for in a shutdown', () => {
    expect(decides({ ...silent(2_000), wishes: { shutdown: true, shutdownSince: ago(2_000) } }).kind).toBe(
      'stop',
    );
  });
});
