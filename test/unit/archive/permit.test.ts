import { expect, test } from 'vitest';
import { byUrgency, judge, type Reach } from '../../../src/archive/wal/permit.ts';
import type { Lsn } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';

const SEGMENT = 16 * 1024 ** 2;
const lsn = (text: string) => text as Lsn;

/** Timeline 1 was left in the middle of segment 5, timeline 3 (2 was never used) in that of 8. */
const reach: Reach = {
  timeline: timelineId(4),
  forks: [
    { timeline: timelineId(1), switchLsn: lsn('0/5800000') },
    { timeline: timelineId(3), switchLsn: lsn('0/8000100') },
  ],
  confirmed: lsn('0/A000000'),
};
const verdict = (name: string, of = reach) => judge(name, of, SEGMENT).verdict;

test('what the quorum has confirmed to the end goes, and nothing beyond', () => {
  expect(verdict('000000040000000000000009')).toBe('push');
  expect(verdict('00000004000000000000000A')).toBe('wait');
  expect(verdict('00000004000000000000000A', { ...reach, confirmed: lsn('0/AFFFFFF') })).toBe('wait');
  expect(verdict('00000004000000000000000A', { ...reach, confirmed: lsn('0/B000000') })).toBe('push');
});

test('segments of an earlier timeline go when they end at or before the point where it was left', () => {
  expect(verdict('000000010000000000000004')).toBe('push');
  expect(verdict('000000010000000000000005')).toBe('leave-out');
  expect(verdict('000000010000000000000006')).toBe('leave-out');
  expect(verdict('000000030000000000000007')).toBe('push');
  expect(verdict('000000030000000000000008')).toBe('leave-out');
  const exact = { ...reach, forks: [{ timeline: timelineId(1), switchLsn: lsn('0/6000000') }] };
  expect(verdict('000000010000000000000005', exact)).toBe('push');
  expect(verdict('000000010000000000000006', exact)).toBe('leave-out');
});

test('the partial segment that a timeline was left in goes, as a promotion makes it', () => {
  expect(verdict('000000010000000000000005.partial')).toBe('push');
  expect(verdict('000000010000000000000006.partial')).toBe('leave-out');
});

test('timelines that do not lead here are left out, and one ahead waits', () => {
  expect(verdict('000000020000000000000003')).toBe('leave-out');
  // A placeholder: under a number that was skipped the archive gets one by itself, after the present history.
  expect(verdict('00000002.history')).toBe('leave-out');
  expect(verdict('00000003.history')).toBe('push');
  expect(verdict('00000004.history')).toBe('push');
  expect(verdict('00000005.history')).toBe('wait');
  expect(verdict('000000050000000000000001')).toBe('wait');
});

test('nothing is left out while the way here is not known', () => {
  const unknown = { ...reach, forks: [] };
  expect(verdict('000000010000000000000005', unknown)).toBe('wait');
  expect(verdict('00000002.history', unknown)).toBe('wait');
  expect(verdict('000000040000000000000009', unknown)).toBe('push');
});

test('labels of backups go', () => {
  expect(verdict('000000040000000000000009.00000028.backup')).toBe('push');
});

test('what is no file of WAL never goes', () => {
  expect(verdict('postgresql.conf')).toBe('wait');
});

test('histories come first, then the oldest', () => {
  const files = [
    '000000040000000000000009',
    '00000004.history',
    '000000030000000000000007',
    '00000003.history',
  ];
  expect(files.sort(byUrgency)).toEqual([
    '00000003.history',
    '00000004.history',
    '000000030000000000000007',
    '000000040000000000000009',
  ]);
});
