import { describe, expect, test } from 'vitest';
import { laterSegments, neededWal, walRanges } from '../../../../src/archive/backup/needed-wal.ts';
import type { Lsn } from '../../../../src/ha/lsn.ts';
import { timelineId } from '../../../../src/ha/units.ts';

const MB = 1024 ** 2;
const at = (timeline: number, lsn: string) => ({ timeline: timelineId(timeline), lsn: lsn as Lsn });
const fork = (timeline: number, switchLsn: string) => ({
  timeline: timelineId(timeline),
  switchLsn: switchLsn as Lsn,
});

describe('the WAL of a backup', () => {
  test('is every segment from start to stop, and not the one after', () => {
    const ranges = walRanges(at(1, '0/300028'), at(1, '0/500000'), []);
    expect(ranges).toEqual([{ timeline: 1, start: '0/300028', end: '0/500000' }]);
    expect(neededWal(ranges, timelineId(1), MB)).toEqual([
      '000000010000000000000003',
      '000000010000000000000004',
    ]);
  });

  test('goes over to the timeline that a standby followed meanwhile', () => {
    const ranges = walRanges(at(2, '0/300028'), at(4, '0/600100'), [
      fork(1, '0/200000'),
      fork(2, '0/480000'),
      fork(3, '0/5A0000'),
    ]);
    expect(ranges).toEqual([
      { timeline: 4, start: '0/5A0000', end: '0/600100' },
      { timeline: 3, start: '0/480000', end: '0/5A0000' },
      { timeline: 2, start: '0/300028', end: '0/480000' },
    ]);
    expect(neededWal(ranges, timelineId(4), MB)).toEqual([
      '00000004.history',
      '000000020000000000000003',
      '000000030000000000000004',
      '000000040000000000000005',
      '000000040000000000000006',
    ]);
  });

  test('has the history that a restore follows, also where nothing was switched meanwhile', () => {
    const ranges = walRanges(at(2, '0/300028'), at(2, '0/300100'), [fork(1, '0/200000')]);
    expect(neededWal(ranges, timelineId(2), MB)).toEqual(['00000002.history', '000000020000000000000003']);
  });
});

describe('the segment of the stop', () => {
  const stop = at(2, '0/480100');

  test('may be that of whoever took over in the middle of it, with its history', () => {
    const histories = new Map([
      [timelineId(2), [fork(1, '0/200000')]],
      [timelineId(3), [fork(1, '0/200000'), fork(2, '0/480200')]],
      [timelineId(5), [fork(1, '0/200000'), fork(2, '0/480200'), fork(3, '0/490000')]],
    ]);
    expect(laterSegments(stop, histories, MB)).toEqual([
      ['00000003.history', '000000030000000000000004'],
      ['00000005.history', '000000050000000000000004'],
    ]);
  });

  test('is no other where the timeline was left before the stop, or in another segment', () => {
    const before = new Map([[timelineId(3), [fork(2, '0/480000')]]]);
    expect(laterSegments(stop, before, MB)).toEqual([]);
    const later = new Map([[timelineId(3), [fork(2, '0/580000')]]]);
    expect(laterSegments(stop, later, MB)).toEqual([]);
  });
});
