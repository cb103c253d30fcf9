import { describe, expect, test } from 'vitest';
import { epochOfTimeline, relate } from '../../../src/ha/history.ts';
import { epoch, timelineId } from '../../../src/ha/units.ts';
import { fork, forksTo, lsn } from './views.ts';

const on = (timeline: number, forks = forksTo(timeline)) => ({ timeline: timelineId(timeline), forks });

describe('WAL is in the history of a primary', () => {
  test('on the same timeline', () => {
    expect(relate(on(3), lsn(5_000), on(3)).kind).toBe('same');
  });
  test('that ends where that history left its timeline, or before', () => {
    expect(relate(on(2), lsn(2_000), on(3)).kind).toBe('same');
    expect(relate(on(1), lsn(999), on(3)).kind).toBe('same');
  });
});

describe('WAL has diverged', () => {
  test('past the switch point, received or replayed', () => {
    expect(relate(on(2), lsn(2_001), on(3))).toEqual({ kind: 'diverged', switchLsn: lsn(2_000) });
  });
  test('on a timeline that the primary never went to', () => {
    const mine = on(4, [fork(1, 1_000), fork(2, 2_000), fork(3, 3_000)]);
    const theirs = on(5, [fork(1, 1_000), fork(2, 2_000), fork(3, 3_500)]);
    expect(relate(mine, lsn(4_000), theirs)).toEqual({ kind: 'diverged', switchLsn: lsn(3_000) });
  });
  test('where both left one timeline at one place for different ones', () => {
    const mine = on(4, [fork(1, 1_000)]);
    const theirs = on(5, [fork(1, 1_000)]);
    expect(relate(mine, lsn(1_100), theirs)).toEqual({ kind: 'diverged', switchLsn: lsn(1_000) });
  });
  test('on a later timeline than the primary is on', () => {
    expect(relate(on(3), lsn(5_000), on(2))).toEqual({ kind: 'diverged', switchLsn: lsn(2_000) });
  });
});

describe('WAL has another history, and is cloned', () => {
  test('with the same number forked elsewhere', () => {
    const mine = on(2, [fork(1, 900)]);
    const theirs = on(3, [fork(1, 1_000), fork(2, 2_000)]);
    expect(relate(mine, lsn(1_500), theirs).kind).toBe('other-history');
  });
  test('with no common beginning', () => {
    expect(relate(on(5, []), lsn(10), on(1, [])).kind).toBe('other-history');
  });
});

test('every pair of histories made by forking one another relates as their common WAL says', () => {
  // A tree of timelines; each history is the path to its root. WAL is common up to the first fork that differs.
  const tree: Record<number, { parent: number; at: number } | null> = {
    1: null,
    2: { parent: 1, at: 1_000 },
    3: { parent: 1, at: 1_500 },
    4: { parent: 2, at: 2_000 },
    5: { parent: 2, at: 2_000 },
    6: { parent: 4, at: 2_500 },
  };
  const path = (timeline: number): { timeline: number; at: number }[] => {
    const node = tree[timeline];
    if (!node) return [];
    return [...path(node.parent), { timeline: node.parent, at: node.at }];
  };
  const historyOf = (timeline: number) =>
    on(
      timeline,
      path(timeline).map((step) => fork(step.timeline, step.at)),
    );
  for (const mine of Object.keys(tree).map(Number)) {
    for (const theirs of Object.keys(tree).map(Number)) {
      for (const end of [500, 1_000, 1_200, 1_500, 1_800, 2_000, 2_200, 2_500, 3_000]) {
        if (end < (tree[mine]?.at ?? 0)) continue;
        const until = [...path(theirs), { timeline: theirs, at: Number.POSITIVE_INFINITY }].find(
          (step) => step.timeline === mine,
        )?.at;
        const contained = until !== undefined && end <= until;
        const relation = relate(historyOf(mine), lsn(end), historyOf(theirs));
        expect(relation.kind, `${mine}@${end} against ${theirs}`).toBe(contained ? 'same' : 'diverged');
      }
    }
  }
});

test('a timeline whose epoch was never learned has none', () => {
  expect(epochOfTimeline({ 2: epoch(7) }, timelineId(2))).toBe(7);
  expect(epochOfTimeline({}, timelineId(2))).toBeNull();
});
