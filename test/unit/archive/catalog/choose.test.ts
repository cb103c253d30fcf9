import { describe, expect, test } from 'vitest';
import { chooseBackup, type RecoveryTarget, type Wanted } from '../../../../src/archive/catalog/choose.ts';
import { holesOn, type Recoverable } from '../../../../src/archive/catalog/recoverable.ts';
import { pathTo, type TimelinePath } from '../../../../src/archive/catalog/timelines.ts';
import { lsnBytes } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { at, backupOf, inventoryOf, minute, SEGMENT, through } from './archives.ts';

/** WAL is written at one segment a minute: the last commit is just before the end. */
const endTime = ({ until }: Recoverable) => minute(lsnBytes(until) / SEGMENT - 0.01);
const A = backupOf('a', 2.2, 2.8);
const B = backupOf('b', 6.2, 6.8);
const inventory = inventoryOf({ 1: { segments: [...through(1, 4), ...through(6, 9)] } });
const choose = (target: RecoveryTarget, more: Partial<Wanted> = {}, of = inventory, backups = [A, B]) => {
  const choice = chooseBackup(of, backups, { target, timeline: 'latest', backup: null, ...more }, endTime);
  return choice.chosen === null ? choice.why : choice.chosen.backup.id;
};

describe('the backup for a target', () => {
  test('is the newest from which it can be reached', () => {
    expect(choose({ kind: 'latest' })).toBe('b');
    expect(choose({ kind: 'immediate' })).toBe('b');
    expect(choose({ kind: 'time', at: minute(7) })).toBe('b');
    expect(choose({ kind: 'time', at: minute(4) })).toBe('a');
    expect(choose({ kind: 'lsn', lsn: at(6.8) })).toBe('b');
    expect(choose({ kind: 'lsn', lsn: at(4.5) })).toBe('a');
    expect(choose({ kind: 'xid', xid: '745' })).toBe('b');
  });

  test('is none for a target in a hole, and the hole is named', () => {
    expect(choose({ kind: 'time', at: minute(5.5) })).toMatch(
      /hole behind .*000000010000000000000005 is missing/,
    );
    expect(choose({ kind: 'lsn', lsn: at(5.5) })).toMatch(/hole at 0\/5000000/);
  });

  test('is none for a target in the future, and what can be had is told', () => {
    expect(choose({ kind: 'time', at: minute(10) })).toBe(
      `the last commit that the archive has is of ${minute(9.99).toISOString()}`,
    );
    expect(choose({ kind: 'lsn', lsn: at(10.1) })).toBe('the archive ends at 0/A000000');
    const wanted: Wanted = { target: { kind: 'time', at: minute(99) }, timeline: 'latest', backup: null };
    const choice = chooseBackup(inventory, [A, B], wanted, endTime);
    expect(choice.chosen === null && choice.reachable.map((one) => [one.from, one.until])).toEqual([
      [at(2.8), at(5)],
      [at(6.8), at(10)],
    ]);
  });

  test('is none before the end of the first backup', () => {
    expect(choose({ kind: 'time', at: minute(2.5) })).toMatch(/no backup had ended by/);
    expect(choose({ kind: 'lsn', lsn: at(2.5) })).toBe('no backup had ended by 0/2800000');
  });

  test('is the one that was asked for, or none', () => {
    expect(choose({ kind: 'immediate' }, { backup: 'a' })).toBe('a');
    expect(choose({ kind: 'latest' }, { backup: 'a' })).toMatch(/hole/);
    expect(choose({ kind: 'latest' }, { backup: 'c' })).toBe('the archive has no backup c');
    expect(choose({ kind: 'latest' }, {}, inventory, [])).toBe('the archive has no backup');
  });

  test('is none while WAL of the backup itself is missing', () => {
    const late = inventoryOf({ 1: { segments: through(7, 9) } });
    expect(choose({ kind: 'latest' }, {}, late, [B])).toMatch(
      /itself needs is missing \(000000010000000000000006\)/,
    );
  });

  test('is on the way to the timeline asked for', () => {
    const forked = inventoryOf({
      1: { segments: through(1, 9) },
      2: { segments: through(5, 8), forks: [[1, 5.5]] },
    });
    expect(choose({ kind: 'latest' }, {}, forked)).toBe('a');
    expect(choose({ kind: 'latest' }, { timeline: 'current' }, forked)).toBe('b');
    expect(choose({ kind: 'latest' }, { timeline: timelineId(1) }, forked)).toBe('b');
    expect(choose({ kind: 'latest' }, { backup: 'b' }, forked)).toMatch(/no backup leads to timeline 2/);
    expect(choose({ kind: 'latest' }, { timeline: timelineId(3) }, forked)).toMatch(/timelines 1, 2/);
  });
});

test('holes are told from the first missing segment to the last', () => {
  const holed = inventoryOf({
    1: { segments: [1, 2, 5, 6] },
    2: { segments: [7, 10], forks: [[1, 7.5]] },
  });
  expect(holesOn(holed, pathTo(holed, timelineId(2)) as TimelinePath, at(1))).toEqual([
    { timeline: 1, first: 3, last: 4 },
    { timeline: 2, first: 8, last: 9 },
  ]);
});
