import { expect, test } from 'vitest';
import { Pace } from '../../../src/archive/restore/progress.ts';
import { parseMark } from '../../../src/archive/restore/wal-dump.ts';
import { RECOVERY_BEGINS, tellRecovery } from '../../../src/postgres/work/recovery-log.ts';

test('pg_waldump names the records that a target can be', () => {
  expect(
    parseMark(
      'rmgr: Transaction len (rec/tot):     34/    34, tx:        742, lsn: 0/03001A48, prev 0/03001A08, desc: COMMIT 2026-11-21 09:25:12.721946 UTC',
    ),
  ).toEqual({
    kind: 'end-of-transaction',
    lsn: '0/03001A48',
    xid: '742',
    time: '2026-11-21T09:25:12.721946Z',
  });
  expect(
    parseMark(
      'rmgr: Transaction len (rec/tot):     50/    50, tx:          0, lsn: 0/03001A48, prev 0/03001A08, desc: COMMIT_PREPARED 743: 2026-11-21 09:25:12.000000 UTC; inval msgs',
    ),
  ).toMatchObject({ xid: '743' });
  expect(
    parseMark(
      'rmgr: XLOG        len (rec/tot):     98/    98, tx:          0, lsn: 0/04001DF8, prev 0/04001DC0, desc: RESTORE_POINT after two',
    ),
  ).toEqual({ kind: 'restore-point', lsn: '0/04001DF8', name: 'after two' });
  expect(
    parseMark(
      'rmgr: XLOG        len (rec/tot):     24/    24, tx:          0, lsn: 0/04001DF8, prev 0/04001DC0, desc: SWITCH ',
    ),
  ).toBeNull();
});

test('the story of a recovery is told by its log', () => {
  const lines = [
    ['LOG', 'restored log file "000000010000000000000004" from archive'],
    ['LOG', 'consistent recovery state reached at 0/3000100'],
    ['LOG', 'recovery stopping before commit of transaction 742, time 2026-11-21 09:25:12.7+00'],
    ['LOG', 'redo done at 0/4001DF8 system usage: CPU: user: 0.00 s'],
    ['LOG', 'last completed transaction was at log time 2026-11-21 09:25:11.3+00'],
    ['LOG', 'selected new timeline ID: 2'],
    ['LOG', 'database system is ready to accept connections'],
  ] as const;
  const story = lines.reduce(
    (before, [severity, message]) => tellRecovery(before, { severity, message }),
    RECOVERY_BEGINS,
  );
  expect(story).toEqual({
    restored: '000000010000000000000004',
    redoneTo: '0/4001DF8',
    stopped: 'before commit of transaction 742, time 2026-11-21 09:25:12.7+00',
    lastTransaction: '2026-11-21 09:25:11.3+00',
    timeline: 2,
    consistent: true,
    paused: false,
    promoted: true,
    fatal: null,
  });
});

test('an error before the log has our prefix is found all the same', () => {
  const message = '2026-11-21 18:20:14.396 GMT [9855] FATAL:  multiple recovery targets specified';
  expect(tellRecovery(RECOVERY_BEGINS, { severity: 'LOG', message }).fatal).toBe(
    'multiple recovery targets specified',
  );
});

test('the pace is that of late, and tells the time left', () => {
  const pace = new Pace();
  expect(pace.at(0, 0, 1000)).toEqual({ rate: null, remaining: null });
  expect(pace.at(1000, 100, 1000)).toEqual({ rate: 100, remaining: 9000 });
  expect(pace.at(20_000, 100, 1000)).toMatchObject({ rate: 0, remaining: null });
});
