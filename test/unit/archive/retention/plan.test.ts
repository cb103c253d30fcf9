import { describe, expect, test } from 'vitest';
import type { BackupCatalog } from '../../../../src/archive/catalog/backup.ts';
import { checkDeletion } from '../../../../src/archive/retention/check-deletion.ts';
import { type Holdings, planDeletion, planRetention } from '../../../../src/archive/retention/plan.ts';
import { isSpare, spareSegments } from '../../../../src/archive/retention/wal-to-keep.ts';
import { millis } from '../../../../src/ha/units.ts';
import { backupOf, inventoryOf, minute, SEGMENT, through } from '../catalog/archives.ts';

const A = backupOf('a', 2.2, 2.8);
const B = backupOf('b', 6.2, 6.8);
const C = backupOf('c', 9.2, 9.8);
const MINUTE = 60_000;
const holdings = (
  more: Partial<BackupCatalog> = {},
  inventory = inventoryOf({ 1: { segments: through(1, 12) } }),
): Holdings => ({
  catalog: { backups: [A, B, C], unreadable: [], unfinished: [], ...more },
  inventory,
  systemIdentifier: '7',
  now: minute(12),
});
const shown = (plan: ReturnType<typeof planRetention>) => ({
  keep: plan.keep.map(({ backup, because }) => `${backup.id} ${because}`),
  remove: plan.remove.map(({ id }) => id),
  from: plan.wal.from,
});

describe('retention', () => {
  test('by count keeps the newest that can be restored', () => {
    expect(shown(planRetention(holdings(), { window: null, count: 2 }))).toEqual({
      keep: ['b count', 'c count'],
      remove: ['a'],
      from: 6,
    });
    const holed = inventoryOf({ 1: { segments: [...through(1, 8), ...through(10, 12)] } });
    expect(shown(planRetention(holdings({}, holed), { window: null, count: 1 }))).toEqual({
      keep: ['b count', 'c younger'],
      remove: ['a'],
      from: 6,
    });
  });

  test('by window keeps the last backup before it, from which its beginning is restored', () => {
    expect(shown(planRetention(holdings(), { window: millis(4 * MINUTE), count: null }))).toEqual({
      keep: ['b before-window', 'c window'],
      remove: ['a'],
      from: 6,
    });
    expect(shown(planRetention(holdings(), { window: millis(60 * MINUTE), count: null })).remove).toEqual([]);
  });

  test('by both keeps what either keeps', () => {
    expect(shown(planRetention(holdings(), { window: millis(1), count: 3 })).remove).toEqual([]);
  });

  test('without a rule keeps everything', () => {
    expect(shown(planRetention(holdings(), { window: null, count: null }))).toEqual({
      keep: ['a no-rule', 'b no-rule', 'c no-rule'],
      remove: [],
      from: null,
    });
  });

  test('removes nothing while nothing can be restored', () => {
    const bare = inventoryOf({ 1: { segments: [] } });
    expect(shown(planRetention(holdings({}, bare), { window: null, count: 1 }))).toMatchObject({
      remove: [],
      from: null,
    });
    const none = planRetention(holdings({ backups: [] }), { window: null, count: 1 });
    expect(isSpare('wal_005/000000010000000000000001.zst', none.wal)).toBe(false);
  });

  test('removes nothing while a timeline above all others has no history yet', () => {
    const ahead = inventoryOf({ 1: { segments: through(1, 12) }, 2: { segments: [12] } });
    const plan = planRetention(holdings({}, ahead), { window: null, count: 1 });
    expect(shown(plan)).toMatchObject({ remove: [], from: null });
    expect(plan.remarks[0]).toMatch(/timeline 2/);
  });

  test('keeps WAL from the start of what may be a backup', () => {
    const id = 'base_000000010000000000000003';
    const unreadable = [{ id, sentinelKey: `basebackups_005/${id}_backup_stop_sentinel.json`, why: 'LSN' }];
    const plan = planRetention(holdings({ unreadable }), { window: null, count: 1 });
    expect(shown(plan)).toMatchObject({ remove: ['a', 'b'], from: 3 });
    expect(plan.remarks[0]).toMatch(id);
    const nameless = [{ ...unreadable[0], id: 'mine', sentinelKey: 'x', why: 'y' }];
    expect(planRetention(holdings({ unreadable: nameless }), { window: null, count: 1 }).wal.from).toBe(0);
  });

  test('clears up what a dead backup left, and leaves one in the making alone', () => {
    const one = {
      id: 'base_000000010000000000000004',
      folder: 'basebackups_005/d/',
      objects: 3,
      storedBytes: 9,
    };
    const dead = { ...one, modifiedAt: minute(12 - 25 * 60) };
    const young = { ...one, modifiedAt: minute(11) };
    expect(planRetention(holdings({ unfinished: [dead] }), { window: null, count: 1 })).toMatchObject({
      leftovers: [dead],
      wal: { from: 9 },
    });
    expect(planRetention(holdings({ unfinished: [young] }), { window: null, count: 1 })).toMatchObject({
      leftovers: [],
      wal: { from: 4 },
    });
  });
});

describe('what is spare', () => {
  const permanent = { ...A, permanent: true };
  const plan = planRetention(holdings({ backups: [permanent, B, C] }), { window: null, count: 1 });

  test('lies before the oldest kept start, and is not what a permanent backup needs', () => {
    expect(plan.wal).toEqual({ segmentBytes: SEGMENT, from: 9, besides: [{ first: 2, last: 2 }] });
    const names = [
      '000000010000000000000001',
      '000000010000000000000002',
      '000000020000000000000008',
      '000000010000000000000009',
    ];
    expect(names.map((name) => isSpare(`wal_005/${name}.zst`, plan.wal))).toEqual([true, false, true, false]);
    expect(isSpare('wal_005/000000010000000000000003.00000028.backup.zst', plan.wal)).toBe(true);
    expect(spareSegments(holdings().inventory, plan.wal)).toEqual([{ timeline: 1, segments: 7 }]);
  });

  test('is nothing that is not understood', () => {
    const others = [
      'wal_005/00000002.history.zst',
      'wal_005/000000010000000000000001.lz4',
      'wal_005/readme',
      'other/000000010000000000000001',
      'pgwarden/identity.json',
    ];
    expect(others.filter((key) => isSpare(key, plan.wal))).toEqual([]);
  });

  test('is the tail of segments before', () => {
    expect(isSpare('pgwarden/tail/00000001/0000000008000000-0000000009000000.zst', plan.wal)).toBe(true);
    expect(isSpare('pgwarden/tail/00000001/0000000008000000-0000000009000001.zst', plan.wal)).toBe(false);
  });
});

describe('by hand', () => {
  test('a backup goes with the WAL that nothing else needs', () => {
    expect(shown(planDeletion(holdings(), new Set(['a'])))).toMatchObject({ remove: ['a'], from: 6 });
    expect(shown(planDeletion(holdings(), new Set(['b'])))).toMatchObject({ remove: ['b'], from: 2 });
  });

  test('the last one goes only where that is meant, and WAL stays', () => {
    const one = holdings({ backups: [A] });
    expect(() => checkDeletion(one, 'a', false)).toThrow(/last backup/);
    expect(() => checkDeletion(one, 'a', true)).not.toThrow();
    expect(shown(planDeletion(one, new Set(['a'])))).toEqual({ keep: [], remove: ['a'], from: null });
  });

  test('no permanent one goes, no parent, and none that is not there', () => {
    expect(() => checkDeletion(holdings(), 'z', false)).toThrow(/has no backup z/);
    expect(() => checkDeletion(holdings({ backups: [{ ...A, permanent: true }, B] }), 'a', false)).toThrow(
      /permanent/,
    );
    expect(() => checkDeletion(holdings({ backups: [A, { ...B, parent: 'a' }] }), 'a', false)).toThrow(
      /b cannot be restored without a/,
    );
  });
});
