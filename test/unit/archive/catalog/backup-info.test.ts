import { expect, test } from 'vitest';
import { parseBackupInfo } from '../../../../src/archive/catalog/backup-info.ts';

/** As barman-cloud 3.4 writes it. */
const INFO = `backup_label='START WAL LOCATION: 0/3052470 (file 000000010000000000000003)\\nLABEL: it\\'s one\\n'
begin_time=2026-11-21 09:25:34.979151+01:00
begin_wal=000000010000000000000003
begin_xlog=0/3052470
end_time=2026-11-21 09:28:34.672587+01:00
end_xlog=0/3052548
snapshots_info=None
status=DONE
systemid=7710553495983215497
tablespaces=[('fast', 16400, '/mnt/fa\\'st'), ("big one", 16401, "/mnt/big")]
timeline=3
version=150018
xlog_segment_size=1048576
`;

test("barman's backup.info is read", () => {
  expect(parseBackupInfo(INFO)).toEqual({
    timeline: 3,
    beginLsn: '0/3052470',
    endLsn: '0/3052548',
    beginTime: new Date('2026-11-21T08:25:34.979Z'),
    endTime: new Date('2026-11-21T08:28:34.672Z'),
    systemIdentifier: '7710553495983215497',
    postgresVersion: 150_018,
    segmentBytes: 1_048_576,
    tablespaces: [
      { oid: '16400', location: "/mnt/fa'st" },
      { oid: '16401', location: '/mnt/big' },
    ],
    backupLabel: "START WAL LOCATION: 0/3052470 (file 000000010000000000000003)\nLABEL: it's one\n",
    isSnapshot: false,
  });
});

test.each([
  ['status=DONE', 'status=FAILED', /has the status FAILED/],
  ['end_xlog=0/3052548', 'end_xlog=None', /has no end_xlog/],
  ['end_xlog=0/3052548', 'end_xlog=here', /has no LSN as end_xlog/],
  ['timeline=3', 'timeline=x', /names no timeline/],
  ['tablespaces=[(', 'tablespaces={(', /tablespaces in a way/],
])('where %s is %s it is refused', (before, after, why) => {
  const text = INFO.replace(before, after).replace(/(?<=tablespaces=\{).*/, 'odd');
  expect(() => parseBackupInfo(text)).toThrow(why);
});
