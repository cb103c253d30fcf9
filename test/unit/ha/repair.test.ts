import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { baseOfRepair } from '../../../src/ha/repair.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import {
  ago,
  deadPeer,
  END,
  emptyPeer,
  emptyView,
  granted,
  holderOf,
  id,
  ids,
  memberRecord,
  orphanView,
  peer,
  primaryPeer,
  primaryView,
  record,
  recruitment,
  settledAs,
  standbyView,
  UID,
  unknownPeer,
  type ViewPatch,
  walsender,
  wonBy,
} from './views.ts';

const stale = record({ epoch: epoch(2), primary: id(2), holder: holderOf(2) });
const lost = (ms = 500): ViewPatch => ({
  record: null,
  seen: { lastValid: record(), absentSince: ago(ms), changedAt: null },
});
const backwards = (ms = 500): ViewPatch => ({
  record: stale,
  seen: { lastValid: record(), changedAt: ago(ms) },
});

describe('a running primary whose record is gone or went backwards', () => {
  test('writes it anew, while its quorum replies', () => {
    expect(decide(primaryView(lost()))).toMatchObject({
      kind: 'create-record',
      record: { epoch: 3, holder: holderOf(0), settled: record().settled },
    });
    expect(decide(primaryView(backwards()))).toMatchObject({
      kind: 'swap-record',
      change: 'repair',
      record: { epoch: 3 },
    });
  });
  test('writes it anew over one that cannot be read; a member without data begins nothing over it', () => {
    const { record: none, seen } = lost();
    const garbled = { record: none ?? null, seen: { ...seen, unreadable: '8' } };
    expect(decide(primaryView(garbled))).toMatchObject({ kind: 'create-record', record: { epoch: 3 } });
    expect(decide(emptyView(0, garbled))).toMatchObject({ kind: 'problem', code: 'RECORD_UNREADABLE' });
    expect(decide(standbyView(garbled))).toMatchObject({ kind: 'wait' });
  });
  test('writes it anew over an older copy of the same epoch', () => {
    const older = record({ revision: 6, settled: settledAs({ cohort: ids(1) }) });
    const view = primaryView({ record: older, seen: { lastValid: record() } });
    expect(decide(view)).toMatchObject({
      kind: 'swap-record',
      change: 'repair',
      record: { epoch: 3, revision: 7, settled: { cohort: ids(1, 2) } },
    });
  });
  test('never writes an older copy than what was seen', () => {
    const told = { clusterUID: UID, epoch: epoch(3), revision: 8 };
    const view = (ms: number) => primaryView({ seen: { told, changedAt: ago(ms), readAt: ago(100) } });
    expect(decide(view(9_000)).kind).toBe('wait');
    expect(decide(view(10_000))).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('goes above an epoch that was seen and that nobody follows, also where its own never settled', () => {
    const told = { clusterUID: UID, epoch: epoch(5), revision: 7 };
    const won = wonBy(0, { settled: settledAs({ primary: id(1), cohort: ids(0, 2) }) });
    const server = { walsenders: [walsender(2)] };
    const local = { floor: { epoch: epoch(4), primary: id(0), revision: 7 } };
    expect(decide(primaryView({ record: won, seen: { told }, server, local }))).toMatchObject({
      change: 'repair',
      record: { epoch: 6, timeline: 4, settled: { epoch: 3 } },
    });
  });
  test('reads it first', () => {
    const view = lost();
    expect(decide(primaryView({ ...view, seen: { ...view.seen, readAt: ago(2_000) } })).kind).toBe('look');
  });
  test('repairs nothing without its quorum: somebody else may have been recruited', () => {
    const alone = { server: { walsenders: [] } };
    expect(decide(primaryView({ ...lost(), ...alone })).kind).toBe('wait');
    expect(decide(primaryView({ ...lost(), ...alone, hold: { renewedAt: ago(4_000) } })).kind).toBe(
      'close-door',
    );
  });
  test('gives way after a lease duration: restarted standbys follow nobody without a record', () => {
    const alone = { server: { walsenders: [], doorOpen: false }, hold: { renewedAt: ago(60_000) } };
    expect(decide(primaryView({ ...lost(9_000), ...alone })).kind).toBe('wait');
    expect(decide(primaryView({ ...lost(10_000), ...alone }))).toMatchObject({
      kind: 'stop',
      demotion: true,
    });
  });
  test('gives way as well, where its agent never saw the record', () => {
    const blind = (ms: number) => ({ record: null, seen: { lastValid: null, absentSince: ago(ms) } });
    expect(decide(primaryView(blind(9_000))).kind).toBe('wait');
    expect(decide(primaryView(blind(10_000))).kind).toBe('stop');
  });
  test('stops when a member followed a higher epoch', () => {
    const peers = [peer(1, { floor: { epoch: epoch(7), primary: id(2), revision: 7 } })];
    expect(decide(primaryView({ ...lost(), peers })).kind).toBe('stop');
  });
  test('in asynchronous mode, only as long as its Lease would last', () => {
    const held = record({ settled: settledAs({ acks: 0 }) });
    const view = (ms: number): ViewPatch => ({
      record: null,
      seen: { lastValid: held, absentSince: ago(500), readAt: ago(100) },
      hold: { renewedAt: ago(ms) },
    });
    expect(decide(primaryView(view(7_000))).kind).toBe('create-record');
    expect(decide(primaryView(view(8_000)))).toMatchObject({ kind: 'stop', demotion: true });
  });
});

describe('without a running primary', () => {
  const quiet = { peers: [peer(0), peer(2)] };
  test('nobody stops, follows, rewinds or clones for it, and a lease duration is waited', () => {
    expect(decide(standbyView(backwards())).kind).toBe('wait');
    expect(decide(orphanView({ ...lost(9_000), ...quiet })).kind).toBe('wait');
    expect(decide(orphanView({ ...lost(60_000), peers: [primaryPeer(0), peer(2)] })).kind).toBe('wait');
  });
  test('every known member is asked, for an epoch above all that is known', () => {
    const peers = [
      peer(0, { floor: { epoch: epoch(5), primary: id(2), revision: 7 } }),
      peer(2, { promise: epoch(9) }),
    ];
    const members = [memberRecord(0), memberRecord(1), memberRecord(2), memberRecord(7)];
    expect(decide(orphanView({ ...lost(11_000), peers, members }))).toMatchObject({
      kind: 'recruit',
      repair: true,
      epoch: 9,
      from: ['pg-0', 'pg-1', 'pg-2', 'pg-7'],
    });
  });
  test('an epoch that was only seen counts, and so does every revision', () => {
    const seen = { clusterUID: UID, epoch: epoch(6), revision: 12 };
    const view = orphanView({ ...lost(11_000), peers: [peer(0, { seen }), peer(2)] });
    expect(decide(view)).toMatchObject({ kind: 'recruit', epoch: 7 });
    expect(baseOfRepair(view)).toMatchObject({ epoch: 6, revision: 13 });
  });
  test('an epoch that was only seen may have reserved a timeline, which is not reserved again', () => {
    const seen = { clusterUID: UID, epoch: epoch(6), revision: 12 };
    const peers = [peer(0, { seen }), peer(2)];
    const known = orphanView({ ...lost(11_000), peers });
    const { highestTimeline } = record();
    expect(baseOfRepair(known)).toMatchObject({ highestTimeline: highestTimeline + 3 });
    const blind = { ...lost(11_000).seen, lastValid: null };
    const timelineEpochs = { 1: epoch(1), 2: epoch(3) };
    expect(
      baseOfRepair(orphanView({ seen: blind, record: null, peers, local: { timelineEpochs } })),
    ).toMatchObject({
      highestTimeline: 5,
    });
  });
  test('the cluster stays paused until a person says otherwise', () => {
    const view = orphanView({
      ...lost(11_000),
      seen: { ...lost(11_000).seen, lastValid: record({ paused: true }) },
    });
    expect(baseOfRepair(view)).toMatchObject({ paused: true });
  });
  test('a member goes by no record that is older than one which a peer saw', () => {
    const told = { clusterUID: UID, epoch: epoch(4), revision: 7 };
    const view = (ms: number) => orphanView({ ...quiet, seen: { told, changedAt: ago(ms) } });
    expect(decide(view(500)).reason).toMatch('went backwards');
    expect(decide(view(11_000))).toMatchObject({ kind: 'recruit', repair: true, epoch: 5 });
  });
  test('the first expected member goes first', () => {
    expect(decide(orphanView({ ...lost(10_400), ...quiet })).kind).toBe('wait');
    expect(decide(orphanView({ ...lost(10_000), ...quiet, self: 0, peers: [peer(1), peer(2)] })).kind).toBe(
      'recruit',
    );
  });
  test('the new record needs the promise of every one of them, and reserves a new timeline', () => {
    const view = orphanView({ ...lost(11_000), peers: [peer(0, { timeline: timelineId(8) }), peer(2)] });
    expect(baseOfRepair(view)).toMatchObject({
      epoch: 3,
      highestTimeline: 8,
      settled: { epoch: 0, primary: null, cohort: ids(0, 1, 2), acks: 1 },
    });
    expect(baseOfRepair(orphanView({ ...lost(), peers: [unknownPeer(0), peer(2)] }))).toBeNull();
    expect(baseOfRepair(orphanView({ ...lost(), peers: [emptyPeer(0), peer(2)] }))).toBeNull();
  });

  const rebuilt = () => {
    const base = baseOfRepair(orphanView({ ...lost(11_000), ...quiet }));
    if (base === null) throw new Error('no base');
    return { base: { record: base, resourceVersion: '' } };
  };
  const pursued = (answers: Parameters<typeof recruitment>[0], patch: ViewPatch = {}) =>
    decide(orphanView({ ...lost(11_000), ...quiet, recruitment: recruitment(answers, rebuilt()), ...patch }));
  test('the best of all creates it', () => {
    const all = [granted(0, { epoch: 3, at: 10 }), granted(1), granted(2, { epoch: 3, at: 20 })];
    expect(pursued(all)).toMatchObject({
      kind: 'win',
      resourceVersion: null,
      record: { epoch: 4, timeline: 4 },
    });
    expect(pursued(all.slice(1)).kind).toBe('wait');
    expect(pursued(all, { local: { promise: epoch(5) } }).kind).toBe('abandon-recruit');
  });
  test('the best that may not lead is caught up with', () => {
    const tagged = granted(0, { epoch: 3, at: END + 1 }, { mayLead: false });
    expect(pursued([tagged, granted(1), granted(2)])).toMatchObject({ kind: 'catch-up', from: id(0) });
  });
  test("a person's word stands for who will never promise", () => {
    const wishes = { failover: { acceptDataLoss: true, since: ago(100) } };
    const peers = [deadPeer(0), emptyPeer(2)];
    expect(decide(orphanView({ ...lost(11_000), peers, wishes }))).toMatchObject({
      kind: 'win',
      proof: 'person',
      resourceVersion: null,
      record: { epoch: 4, primary: id(1), settled: { cohort: ids(0, 1), acks: 1 } },
    });
  });
});
