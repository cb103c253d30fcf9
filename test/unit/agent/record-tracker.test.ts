import { describe, expect, test } from 'vitest';
import { RecordTracker } from '../../../src/agent/record-tracker.ts';
import type { ClusterRecord, Seen } from '../../../src/ha/record.ts';
import { epoch, type Instant, instant } from '../../../src/ha/units.ts';
import { local, record, UID } from '../ha/views.ts';

const saw = (level: number, revision: number, clusterUID = UID): Seen => ({
  clusterUID,
  epoch: epoch(level),
  revision,
});

function tracked() {
  let now = 1_000;
  let version = 100;
  const at = (): Instant => instant(now);
  const tracker = new RecordTracker(at, () => undefined);
  const versioned = (patch: Partial<ClusterRecord>) => {
    version += 1;
    return { record: record(patch), resourceVersion: String(version) };
  };
  return {
    tracker,
    show: (patch: Partial<ClusterRecord> = {}) => tracker.onWatch(versioned(patch)),
    read: (patch: Partial<ClusterRecord> = {}) =>
      tracker.onRead({ outcome: 'found', current: versioned(patch), sentAt: at() }),
    pass: (ms: number) => {
      now += ms;
    },
    view: () => tracker.view(local(1)),
  };
}

describe('a tracker of the record', () => {
  test('remembers the newest that it saw, and believes no older one', () => {
    const { show, view } = tracked();
    show({ revision: 9 });
    view();
    show({ revision: 8 });
    expect(view()).toMatchObject({
      seen: saw(3, 9),
      lastValid: { revision: 9 },
      current: { record: { revision: 8 } },
    });
  });
  test('remembers an epoch that this member never followed', () => {
    const { show, view } = tracked();
    show({ epoch: epoch(4) });
    show();
    expect(view()).toMatchObject({ seen: saw(4, 7), lastValid: null });
  });
  test('goes on from what an earlier process of its member saw', () => {
    const { tracker, show, view } = tracked();
    tracker.recall(saw(4, 2));
    show({ epoch: epoch(3) });
    expect(view()).toMatchObject({ seen: saw(4, 2), lastValid: null });
    tracker.recall(saw(9, 9));
    expect(view().seen).toEqual(saw(4, 2));
  });
  test('forgets what it saw of another cluster', () => {
    const { show, view } = tracked();
    show({ clusterUID: 'deleted', epoch: epoch(9) });
    show();
    expect(view()).toMatchObject({ seen: saw(3, 7), lastValid: { epoch: 3 } });
  });
  test('doubts what it knows where a peer saw a newer one, until a direct read has told', () => {
    const { tracker, show, read, pass, view } = tracked();
    show();
    tracker.onTold(saw(3, 8));
    expect(tracker.inDoubt).toBe(true);
    expect(view().told).toBeNull();
    pass(1);
    read();
    expect(tracker.inDoubt).toBe(false);
    expect(view().told).toEqual(saw(3, 8));
    // Told once more: it was looked for.
    tracker.onTold(saw(3, 8));
    expect(tracker.inDoubt).toBe(false);
    expect(view().told).toEqual(saw(3, 8));
    read({ revision: 8 });
    expect(view()).toMatchObject({ told: null, seen: saw(3, 8) });
  });
  test('takes a record that cannot be read for one that is gone, and keeps its version', () => {
    const { tracker, show, pass, view } = tracked();
    show();
    view();
    tracker.onWatch(null);
    expect(tracker.inDoubt).toBe(true);
    pass(10);
    const error = new Error('not JSON');
    tracker.onRead({ outcome: 'unreadable', resourceVersion: '200', error, sentAt: instant(1_005) });
    pass(10);
    expect(tracker.inDoubt).toBe(false);
    const lost = { current: null, known: true, unreadable: '200', absentSince: 1_010 };
    expect(view()).toMatchObject({ ...lost, lastValid: { epoch: 3 } });
    // Edited again: still gone since then.
    tracker.onRead({ outcome: 'unreadable', resourceVersion: '201', error, sentAt: instant(1_015) });
    expect(view()).toMatchObject({ ...lost, unreadable: '201' });
    show();
    expect(view()).toMatchObject({ unreadable: null, absentSince: null, current: { record: { epoch: 3 } } });
  });
  test('asks nobody because of an older one', () => {
    const { tracker, show, view } = tracked();
    show();
    tracker.onTold(saw(3, 7));
    tracker.onTold(saw(2, 9));
    tracker.onTold(saw(9, 9, 'deleted'));
    expect(tracker.inDoubt).toBe(false);
    expect(view().told).toBeNull();
  });
});
