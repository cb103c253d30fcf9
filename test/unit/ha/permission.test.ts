import { describe, expect, test } from 'vitest';
import { guardDeadline, permittedUntil, quorumHeardAt, quorumIsFresh } from '../../../src/ha/permission.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import { ago, id, NOW, primaryView, record, settledAs, standbyView, walsender } from './views.ts';

const asynchronous = record({ settled: settledAs({ acks: 0 }) });

describe('in quorum mode', () => {
  const replies = (one: number, two: number) =>
    primaryView({
      server: { walsenders: [walsender(1, { repliedAt: ago(one) }), walsender(2, { repliedAt: ago(two) })] },
      hold: { renewedAt: ago(60_000) },
    });

  test('the k-th latest reply counts', () => {
    expect(quorumHeardAt(replies(100, 700), record())).toBe(ago(100));
    expect(quorumHeardAt(replies(100, 700), record({ settled: settledAs({ acks: 2 }) }))).toBe(ago(700));
    expect(quorumHeardAt(replies(100, 700), record({ settled: settledAs({ cohort: [id(2)] }) }))).toBe(
      ago(700),
    );
  });
  test('a walsender that does not stream, or two of one name, do not make a quorum', () => {
    const still = primaryView({ server: { walsenders: [walsender(1, { streaming: false })] } });
    expect(quorumHeardAt(still, record())).toBeNull();
    const twice = primaryView({ server: { walsenders: [walsender(1), walsender(1, { pid: 9 })] } });
    expect(quorumIsFresh(twice, record({ settled: settledAs({ acks: 2 }) }))).toBe(false);
  });
  test('a renewal or a quorum of replies lets clients in for staleReadBound', () => {
    expect(permittedUntil(replies(100, 700), record())).toBe(NOW - 100 + 3_000);
    const renewed = primaryView({ server: { walsenders: [] }, hold: { renewedAt: ago(200) } });
    expect(permittedUntil(renewed, record())).toBe(NOW - 200 + 3_000);
  });
  test('a reply counts for as long, also where its connection is gone since', () => {
    const gone = primaryView({
      server: { walsenders: [] },
      hold: { renewedAt: ago(60_000), replies: { [id(1)]: ago(400) } },
    });
    expect(permittedUntil(gone, record())).toBe(NOW - 400 + 3_000);
    expect(quorumIsFresh(gone, record())).toBe(false);
    const stranger = { ...gone, hold: { ...gone.hold, replies: { [id(9)]: ago(400) } } };
    expect(permittedUntil(stranger, record())).toBe(NOW - 60_000 + 3_000);
  });
});

describe('in asynchronous mode', () => {
  test('only a renewal counts, or the word of every eligible member', () => {
    const renewed = { renewedAt: ago(1_000) };
    expect(permittedUntil(primaryView({ hold: renewed }), asynchronous)).toBe(NOW - 1_000 + 9_900 - 2_000);
    const held = { renewedAt: ago(60_000), heldUntil: ago(-5_000) };
    expect(permittedUntil(primaryView({ hold: held }), asynchronous)).toBe(NOW + 5_000 - 2_000);
    expect(permittedUntil(primaryView({ hold: { renewedAt: null } }), asynchronous)).toBe(0);
  });
  test('it has ended, with the time to stop, before any challenger sees the Lease expire', () => {
    const view = primaryView({ record: asynchronous, hold: { renewedAt: NOW } });
    expect(guardDeadline(view)).toBeLessThan(NOW + asynchronous.leaseDuration);
  });
});

describe('the guard', () => {
  test('has no deadline while nothing has to be killed', () => {
    expect(guardDeadline(standbyView())).toBeNull();
    expect(guardDeadline(primaryView({ record: record({ paused: true }) }))).toBeNull();
    expect(guardDeadline(primaryView({ server: { doorOpen: false } }))).toBeNull();
    const first = { epoch: epoch(0), primary: null, timeline: timelineId(0), cohort: [], acks: 0 };
    expect(guardDeadline(primaryView({ record: record({ settled: first }) }))).toBeNull();
  });
  test('sees to it that the door of an isolated primary is closed', () => {
    expect(guardDeadline(primaryView())).toBe(permittedUntil(primaryView(), record()) + 2_000);
  });
});
