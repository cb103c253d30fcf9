import { describe, expect, test } from 'vitest';
import type { PromiseRequest } from '../../../src/ha/peer.ts';
import { holdsOrWon, judgePromise } from '../../../src/ha/promise.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import {
  ago,
  deadPeer,
  emptyView,
  holderOf,
  id,
  orphanView,
  peer,
  primaryPeer,
  primaryView,
  record,
  standbyView,
  stoppedView,
  streamingFrom,
  task,
  UID,
  wonBy,
} from './views.ts';

const asked = (patch: Partial<PromiseRequest> = {}): PromiseRequest => ({
  clusterUID: UID,
  candidate: id(2),
  epoch: epoch(4),
  recordEpoch: epoch(3),
  recordRevision: 7,
  ...patch,
});
const grants = (view: View, request = asked()) => judgePromise(view, request).grant;

describe('a member promises', () => {
  test('to any candidate, when it hears the primary no more', () => {
    expect(grants(orphanView())).toBe(true);
  });
  test('the same epoch again: a promise binds to the epoch, and not to a candidate', () => {
    expect(grants(orphanView({ local: { promise: epoch(4) } }))).toBe(true);
  });
  test('while it streams from somebody who went silent', () => {
    const server = {
      ...streamingFrom(0),
      receiver: { pid: 1, streaming: true, heardAt: ago(2_000), timeline: timelineId(3) },
    };
    expect(grants(orphanView({ server }))).toBe(true);
  });
  test('to the primary that the record names, even though it hears it as a standby', () => {
    const view = standbyView({ peers: [primaryPeer(0), peer(2)] });
    expect(grants(view, asked({ candidate: id(0) }))).toBe(true);
  });
  test('as the crashed primary, whose Postgres is a standby now', () => {
    const view = orphanView({ self: 0, hold: { renewing: false }, peers: [peer(1), peer(2)] });
    expect(holdsOrWon(view)).toBe(false);
    expect(grants(view)).toBe(true);
  });
});

describe('a member refuses', () => {
  test('what is below its promise or not above what it follows', () => {
    expect(grants(orphanView({ local: { promise: epoch(5) } }))).toBe(false);
    expect(grants(orphanView(), asked({ epoch: epoch(3) }))).toBe(false);
  });
  test('a candidate whose record is older than its own', () => {
    expect(grants(orphanView({ record: wonBy(2) }))).toBe(false);
    expect(grants(orphanView(), asked({ recordEpoch: epoch(2) }))).toBe(false);
  });
  test('a candidate whose record went backwards: an older copy of the epoch that it follows, or below one that it saw', () => {
    expect(grants(orphanView(), asked({ recordRevision: 6 }))).toBe(false);
    const seen = { clusterUID: UID, epoch: epoch(4), revision: 7 };
    expect(grants(orphanView({ seen: { seen } }), asked({ epoch: epoch(6) }))).toBe(false);
    expect(grants(orphanView({ seen: { seen } }), asked({ epoch: epoch(6), recordEpoch: epoch(5) }))).toBe(
      true,
    );
  });
  test('another cluster', () => {
    expect(grants(orphanView(), asked({ clusterUID: 'other' }))).toBe(false);
  });
  test('while it hears the primary', () => {
    expect(grants(standbyView())).toBe(false);
  });
  test('without whole data, or while it is made', () => {
    expect(grants(emptyView(1))).toBe(false);
    expect(grants(stoppedView(1, { local: { data: 'broken' } }))).toBe(false);
    for (const kind of ['clone', 'rewind', 'stop', 'promote'] as const) {
      expect(grants(orphanView({ tasks: [task(kind)] })), kind).toBe(false);
    }
  });
  test('while its Postgres is stopped, or has not read all its WAL', () => {
    expect(grants(stoppedView(1))).toBe(false);
    expect(grants(orphanView({ server: { atEndOfWal: false } }))).toBe(false);
  });
  test('as a primary, as the winner of an epoch, and while it promotes', () => {
    expect(grants(primaryView())).toBe(false);
    const won = orphanView({ record: wonBy(1) });
    expect(holdsOrWon(won)).toBe(true);
    expect(grants(won, asked({ epoch: epoch(5), recordEpoch: epoch(4) }))).toBe(false);
    expect(grants(orphanView({ local: { state: 'promoting' } }))).toBe(false);
  });
  test('while paused or fenced', () => {
    expect(grants(orphanView({ record: record({ paused: true }) }))).toBe(false);
    expect(grants(orphanView({ record: record({ fenced: ['pg-1'] }) }))).toBe(false);
  });
  test('all but the target of a planned end, until that had its time', () => {
    const ending = { target: id(0), cause: 'switchover' } as const;
    const view = (changed: number) =>
      orphanView({
        record: record({ ending, primary: id(3), holder: '' }),
        seen: { changedAt: ago(changed) },
      });
    expect(grants(view(500))).toBe(false);
    expect(grants(view(500), asked({ candidate: id(0) }))).toBe(true);
    expect(grants(view(7_000))).toBe(true);
  });
});

test('under a record that went backwards, the one that it hears is the primary that it knew', () => {
  const stale = record({ epoch: epoch(2), primary: id(2), holder: holderOf(2) });
  const repair = asked({ epoch: epoch(5), recordEpoch: epoch(4) });
  const hears = standbyView({ record: stale, seen: { lastValid: record() } });
  expect(grants(hears, repair)).toBe(false);
  const alone = orphanView({ record: stale, seen: { lastValid: record() }, peers: [deadPeer(0), peer(2)] });
  expect(grants(alone, repair)).toBe(true);
});

test('without any record, a member that streams from a living primary promises nothing', () => {
  const view = standbyView({ record: null, seen: { lastValid: record() } });
  expect(grants(view, asked({ epoch: epoch(5), recordEpoch: epoch(4) }))).toBe(false);
});
