import { beforeEach, describe, expect, test } from 'vitest';
import { ArchiveReach } from '../../../src/agent/archive/reach.ts';
import { synchronousStandbyNames } from '../../../src/ha/quorum.ts';
import { beginRecovery } from '../../../src/ha/recovery.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import type { View } from '../../../src/ha/view.ts';
import {
  ago,
  cohort,
  forksTo,
  id,
  lsn,
  name,
  primaryServer,
  primaryView,
  record,
  settledAs,
  standbyView,
  type ViewPatch,
  walsender,
  wonBy,
} from '../ha/views.ts';

let reach: ArchiveReach;
beforeEach(() => {
  reach = new ArchiveReach();
});

/** A settled primary of epoch 3 whose standbys, in the cohort, flushed so far. */
function leading(flushed: readonly (number | null)[], patch: ViewPatch = {}): View {
  const walsenders = flushed.flatMap((position, index) =>
    position === null ? [] : [walsender(index + 1, { flushLsn: lsn(position) })],
  );
  return primaryView({ server: { ...primaryServer(), flushLsn: lsn(9_000), walsenders }, ...patch });
}

const confirmed = (of: View) => {
  const permission = reach.judge(of, of.now);
  return permission.reach === null ? permission.reason : permission.reach.confirmed;
};

test('nothing is archived before a recovery in place is confirmed', () => {
  const waiting = beginRecovery(record(), {
    id: 'abcd0123',
    goal: { kind: 'immediate', value: '', exclusive: false },
    timeline: timelineId(3),
    backup: 'base',
    by: name(0),
    at: '2026-01-01T00:00:00.000Z',
    pauses: false,
  });
  expect(confirmed(leading([7_000, 8_000], { record: waiting }))).toContain('confirmed');
});

describe('in quorum mode', () => {
  test('it reaches as far as k of the cohort have flushed', () => {
    expect(confirmed(leading([7_000, 8_000]))).toBe(lsn(8_000));
    reach = new ArchiveReach();
    const two = record({ settled: settledAs({ acks: 2 }) });
    expect(confirmed(leading([7_000, 8_000], { record: two }))).toBe(lsn(7_000));
  });

  test('a standby outside of the cohort confirms nothing, nor one that does not stream', () => {
    const one = record({ settled: settledAs({ cohort: cohort(1, 1).members }) });
    expect(confirmed(leading([7_000, 8_000], { record: one }))).toBe(lsn(7_000));
    reach = new ArchiveReach();
    const still = primaryServer({ walsenders: [walsender(1, { streaming: false })] });
    expect(confirmed(primaryView({ server: still }))).toMatch(/too few standbys/);
  });

  test('it never reaches beyond its own flush', () => {
    expect(confirmed(leading([9_500, null]))).toBe(lsn(9_000));
  });

  test('what was confirmed stays so while the epoch lasts, and is forgotten with it', () => {
    expect(confirmed(leading([8_000, null]))).toBe(lsn(8_000));
    expect(confirmed(leading([null, null]))).toBe(lsn(8_000));
    expect(confirmed(leading([6_000, null]))).toBe(lsn(8_000));
    const next = record({ epoch: epoch(4), settled: settledAs({ epoch: epoch(4) }) });
    expect(confirmed(leading([null, null], { record: next }))).toMatch(/too few standbys/);
  });

  test('it tells the timelines that led here', () => {
    const of = leading([8_000, null]);
    expect(reach.judge(of, of.now)).toMatchObject({ reach: { timeline: 3, forks: forksTo(3) } });
  });
});

describe('in asynchronous mode', () => {
  const alone = record({ settled: settledAs({ cohort: [], acks: 0 }) });
  const server = (names: string) =>
    primaryServer({
      flushLsn: lsn(9_000),
      synchronousStandbyNames: names,
      walsenders: [walsender(1, { flushLsn: lsn(7_000) }), walsender(2, { flushLsn: lsn(6_000) })],
    });

  test('it is what is flushed here, while the Lease permits', () => {
    const view = { record: alone, server: server('') };
    expect(confirmed(primaryView(view))).toBe(lsn(9_000));
    const late = primaryView({ ...view, hold: { renewedAt: ago(60_000) } });
    expect(confirmed(late)).toMatch(/Lease was not renewed/);
  });

  test('it is no more than a quorum has that is about to be published', () => {
    const names = synchronousStandbyNames(cohort(2, 1, 2));
    expect(confirmed(primaryView({ record: alone, server: server(names) }))).toBe(lsn(6_000));
  });
});

test('nobody but the primary of a settled epoch archives', () => {
  expect(confirmed(leading([8_000, null], { record: wonBy(0) }))).toMatch(/not settled/);
  expect(confirmed(leading([8_000, null], { record: record({ primary: id(1) }) }))).toMatch(
    /not the primary/,
  );
  expect(reach.judge(standbyView(), standbyView().now)).toMatchObject({
    reach: null,
    follows: { timeline: 3, forks: forksTo(3), isSettled: true },
  });
});

test('on its way down it archives what was confirmed before, and no more', () => {
  expect(confirmed(leading([8_000, null]))).toBe(lsn(8_000));
  const down = { local: { state: 'stopping', server: null } } as const;
  expect(confirmed(leading([9_000, null], down))).toBe(lsn(8_000));
  expect(confirmed(leading([9_000, null], { ...down, record: record({ primary: id(1) }) }))).toMatch(
    /not the primary/,
  );
});
