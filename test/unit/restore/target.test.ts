import { describe, expect, test } from 'vitest';
import { targetSettings } from '../../../src/archive/restore/target.ts';
import { parseUtcTime, postgresTime, utcTimeAt } from '../../../src/archive/restore/utc-time.ts';
import { targetOf, timelineOf } from '../../../src/commands/restore-options.ts';

describe('a time', () => {
  test.each([
    ['2026-11-21 09:25:12.721946+00', '2026-11-21T09:25:12.721946Z'],
    ['2026-11-21T10:25:12+01:00', '2026-11-21T09:25:12.000000Z'],
    ['2026-11-21 00:10 -0130', '2026-11-21T01:40:00.000000Z'],
    ['2026-11-21 09:25:12.5 UTC', '2026-11-21T09:25:12.500000Z'],
  ])('%s is %s', (text, time) => expect(parseUtcTime(text)).toBe(time));

  test.each(['2026-11-21 09:25:12', '2026-02-31T00:00:00Z', 'yesterday', '2026-11-21'])(
    '%s is refused: it is no day, or has no zone',
    (text) => expect(parseUtcTime(text)).toBeNull(),
  );

  test('is told to Postgres with its zone, to the microsecond', () => {
    expect(postgresTime(parseUtcTime('2026-11-21T10:25:12.721946+01:00')!)).toBe(
      '2026-11-21 09:25:12.721946+00',
    );
    expect(utcTimeAt(1_700_000_000_042)).toBe('2023-11-14T22:13:20.042000Z');
  });
});

test('the setting of the target comes behind those that are emptied', () => {
  const names = Object.keys(targetSettings({ kind: 'xid', xid: '742', exclusive: true }));
  expect(names).toHaveLength(6);
  expect(names.indexOf('recovery_target_xid')).toBe(4);
  expect(targetSettings({ kind: 'xid', xid: '742', exclusive: true }).recovery_target_inclusive).toBe('off');
});

describe('the options of a target', () => {
  test('name one, or the end of the archive', () => {
    expect(targetOf({})).toEqual({ kind: 'latest' });
    expect(targetOf({ toLsn: '0/3000060', exclusive: true })).toEqual({
      kind: 'lsn',
      lsn: '0/3000060',
      exclusive: true,
    });
  });

  test('of a transaction may have the epoch that txid_current() counts', () => {
    expect(targetOf({ toXid: String(2n ** 32n + 742n) })).toMatchObject({ xid: '742' });
  });

  test.each([
    { toLsn: '0/1', toName: 'x' },
    { exclusive: true },
    { toName: 'x', exclusive: true },
    { toTime: '2026-11-21 09:25:12' },
    { toLsn: 'here' },
    { toXid: '-1' },
    { toName: '' },
  ])('%o is refused', (options) => expect(() => targetOf(options)).toThrow());

  test('the timeline is a word or a number', () => {
    expect(timelineOf({})).toBe('latest');
    expect(timelineOf({ timeline: '3' })).toBe(3);
    expect(() => timelineOf({ timeline: 'newest' })).toThrow('not a timeline');
  });
});
