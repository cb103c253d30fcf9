import { describe, expect, test } from 'vitest';
import { type OverviewSource, overviewOf } from '../../../../src/archive/catalog/overview.ts';
import type { WalInventory } from '../../../../src/archive/catalog/wal-inventory.ts';
import { backupTable } from '../../../../src/commands/backup-list.ts';
import { rangeTable } from '../../../../src/commands/range.ts';
import { at, backupOf, inventoryOf, minute, through } from './archives.ts';

const A = backupOf('a', 2.2, 2.8);
const B = backupOf('b', 6.2, 6.8);
const sourceOf = (inventory: WalInventory | null, backups = [A, B]): OverviewSource => ({
  archive: 'file:///archive',
  layout: 'wal-g',
  systemIdentifier: '7',
  catalog: { backups, unreadable: [], unfinished: [] },
  inventory,
});
const overview = (inventory: WalInventory | null, backups = [A, B]) =>
  overviewOf(sourceOf(inventory, backups), () => minute(11));

describe('the overview of an archive', () => {
  test('joins backups with the same end to one interval', () => {
    const { intervals, holes, segments, timeline } = overview(
      inventoryOf({ 1: { segments: through(1, 9) } }),
    );
    expect(intervals).toMatchObject([
      { backup: 'a', backups: 2, from: at(2.8), until: at(10), timeline: 1, hole: null, restorable: true },
    ]);
    expect([holes, segments, timeline]).toEqual([[], 9, 1]);
  });

  test('tells what is on both sides of a hole, and the hole', () => {
    const inventory = inventoryOf({ 1: { segments: [...through(1, 4), ...through(6, 9)] } });
    const { intervals, holes, backups } = overview(inventory);
    expect(intervals.map(({ backup, until, hole }) => [backup, until, hole])).toEqual([
      ['a', at(5), '000000010000000000000005'],
      ['b', at(10), null],
    ]);
    expect(holes).toEqual([
      { timeline: 1, first: '000000010000000000000005', last: '000000010000000000000005', segments: 1 },
    ]);
    expect(backups.map(({ reach }) => reach?.hole ?? null)).toEqual(['000000010000000000000005', null]);
  });

  test('tells a timeline that was left only where it has WAL of its own', () => {
    const led = inventoryOf({ 1: { segments: through(1, 7) }, 2: { segments: [8, 9], forks: [[1, 8.5]] } });
    expect(overview(led).intervals.map(({ timeline, backup }) => [timeline, backup])).toEqual([[2, 'a']]);
    const forked = inventoryOf({
      1: { segments: through(1, 9) },
      2: { segments: through(5, 7), forks: [[1, 5.5]] },
    });
    expect(
      overview(forked).intervals.map(({ timeline, backup, until }) => [timeline, backup, until]),
    ).toEqual([
      [1, 'a', at(10)],
      [2, 'a', at(8)],
    ]);
  });

  test('of nothing says so', () => {
    const none = overview(null, []);
    expect(none).toMatchObject({ timeline: null, segments: 0, backups: [], intervals: [], holes: [] });
    expect(rangeTable(none)).toBe('file:///archive has no backup: nothing can be restored');
    expect(backupTable(none)).toBe('file:///archive has no backup');
    expect(rangeTable(overview(null))).toMatch(/not the WAL that they need/);
  });
});

test('people are shown tables', () => {
  const inventory = inventoryOf({
    1: { segments: [...through(1, 4), ...through(6, 9)], tail: [[10, 10.5]] },
  });
  const shown = overviewOf(sourceOf(inventory, [A, { ...B, permanent: true }]), ({ until }) =>
    until === at(5) ? null : minute(11),
  );
  expect(
    rangeTable(shown)
      .split('\n')
      .map((line) => line.replaceAll(/ {2,}/g, ' | ')),
  ).toEqual([
    'TIMELINE | FROM | TO (LAST COMMIT) | FROM LSN | TO LSN | BACKUPS | ENDS',
    `1 (now) | 2026-01-01 00:02:48Z | ? | ${at(2.8)} | ${at(5)} | 1 | in a hole: 000000010000000000000005`,
    `1 (now) | 2026-01-01 00:06:48Z | 2026-01-01 00:11:00Z | ${at(6.8)} | ${at(10.5)} | 1 | with the live tail`,
    'hole: 000000010000000000000005 is missing',
  ]);
  const list = backupTable(shown);
  expect(list).toContain('2026-01-01 00:06:48Z to 2026-01-01 00:11:00Z (0/A800000) (permanent)');
  expect(list).toContain(', a hole');
});
