import { describe, expect, test } from 'vitest';
import { follow } from '../../../../src/archive/catalog/follow.ts';
import { SegmentRuns } from '../../../../src/archive/catalog/segment-runs.ts';
import { pathTo } from '../../../../src/archive/catalog/timelines.ts';
import type { WalInventory } from '../../../../src/archive/catalog/wal-inventory.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { at, inventoryOf, through } from './archives.ts';

const followed = (inventory: WalInventory, timeline: number, start: number) => {
  const path = pathTo(inventory, timelineId(timeline));
  if (path === null) throw new Error('no path');
  const { until, missing, isHole, last } = follow(inventory, path, at(start));
  return { until, missing, isHole, last: last === null ? null : [last.timeline, last.number, last.fromTail] };
};

test('runs of segments tell what is there', () => {
  const runs = SegmentRuns.of([5, 3, 4, 9, 9, 10]);
  expect(runs.runs).toEqual([
    { first: 3, last: 5 },
    { first: 9, last: 10 },
  ]);
  expect(runs.count).toBe(5);
  expect([2, 3, 5, 6, 9, 11].map((n) => runs.lastFrom(n))).toEqual([null, 5, 5, null, 10, null]);
  expect([2, 4, 6, 10, 11].map((n) => runs.nextFrom(n))).toEqual([3, 4, 9, 10, null]);
});

describe('replay', () => {
  test('goes through segments to the end of the archive', () => {
    expect(followed(inventoryOf({ 1: { segments: through(1, 9) } }), 1, 2.5)).toEqual({
      until: at(10),
      missing: '00000001000000000000000A',
      isHole: false,
      last: [1, 9, false],
    });
  });

  test('stops at a hole, and says that it is one', () => {
    const inventory = inventoryOf({ 1: { segments: [...through(1, 4), ...through(6, 9)] } });
    expect(followed(inventory, 1, 2)).toMatchObject({
      until: at(5),
      missing: '000000010000000000000005',
      isHole: true,
    });
  });

  test('goes on in the live tail, to where that has a hole itself', () => {
    const tail = [
      [5, 5.25],
      [5.25, 5.5],
      [5.6, 5.7],
    ] as const;
    expect(followed(inventoryOf({ 1: { segments: through(1, 4), tail } }), 1, 2)).toEqual({
      until: at(5.5),
      missing: '000000010000000000000005',
      isHole: false,
      last: [1, 5, true],
    });
  });

  test('goes on behind a tail that holds a whole segment', () => {
    const tail = [
      [5, 6],
      [6, 6.5],
    ] as const;
    expect(followed(inventoryOf({ 1: { segments: through(1, 4), tail } }), 1, 2).until).toBe(at(6.5));
  });

  test('changes timelines in the segment of the switch, which it takes of the new one', () => {
    const inventory = inventoryOf({
      1: { segments: through(1, 4) },
      2: { segments: through(5, 7), forks: [[1, 5.5]] },
    });
    expect(followed(inventory, 2, 2)).toMatchObject({ until: at(8), last: [2, 7, false] });
    // What the old one has beyond the switch counts for nothing on the way to the new one.
    const divergent = inventoryOf({
      1: { segments: through(1, 9) },
      2: { segments: [5], forks: [[1, 5.5]] },
    });
    expect(followed(divergent, 2, 2).until).toBe(at(6));
    expect(followed(divergent, 1, 2).until).toBe(at(10));
  });

  test('falls back to the old timeline up to the switch where the new one has no WAL yet', () => {
    const inventory = inventoryOf({ 1: { segments: through(1, 5) }, 2: { forks: [[1, 5.5]] } });
    expect(followed(inventory, 2, 2)).toMatchObject({
      until: at(5.5),
      missing: '000000020000000000000005',
      last: [1, 5, false],
    });
    const onlyTail = inventoryOf({
      1: { segments: through(1, 4), tail: [[5, 5.8]] },
      2: { forks: [[1, 5.5]] },
    });
    expect(followed(onlyTail, 2, 2)).toMatchObject({ until: at(5.5), last: [1, 5, true] });
  });

  test('crosses a switch at the border of two segments', () => {
    const inventory = inventoryOf({
      1: { segments: through(1, 4) },
      2: { segments: through(5, 6), forks: [[1, 5]] },
    });
    expect(followed(inventory, 2, 1).until).toBe(at(7));
  });

  test('crosses two switches in one segment', () => {
    const inventory = inventoryOf({
      1: { segments: through(1, 4) },
      2: { forks: [[1, 5.2]] },
      3: {
        segments: through(5, 6),
        forks: [
          [1, 5.2],
          [2, 5.6],
        ],
      },
    });
    expect(followed(inventory, 3, 1).until).toBe(at(7));
  });

  test('has nothing where the first segment is missing', () => {
    expect(followed(inventoryOf({ 1: { segments: through(4, 6) } }), 1, 2.5)).toEqual({
      until: at(2.5),
      missing: '000000010000000000000002',
      isHole: true,
      last: null,
    });
  });
});
