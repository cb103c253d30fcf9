import { describe, expect, it } from 'vitest';
import { parseControlData } from '../../../src/postgres/volume/control-file.ts';

const TEXT = `pg_control version number:            1300
Database system identifier:           7312345678901234567
Database cluster state:               shut down in recovery
Latest checkpoint location:           0/3000060
Latest checkpoint's REDO location:    0/3000028
Latest checkpoint's TimeLineID:       4
Minimum recovery ending location:     0/30000D8
Min recovery ending loc's timeline:   4
max_connections setting:              100
max_worker_processes setting:         8
max_wal_senders setting:              16
max_prepared_xacts setting:           0
max_locks_per_xact setting:           64
Bytes per WAL segment:                16777216
`;

describe('the control file', () => {
  it('is read from what pg_controldata prints', () => {
    expect(parseControlData(TEXT)).toEqual({
      systemIdentifier: '7312345678901234567',
      state: 'shut down in recovery',
      checkpointTimeline: 4,
      checkpointLsn: '0/3000060',
      shutdownEndLsn: null,
      walSegmentBytes: 16777216,
      minRecoveryEnd: '0/30000D8',
      minRecoveryTimeline: 4,
      required: {
        max_connections: 100,
        max_worker_processes: 8,
        max_wal_senders: 16,
        max_prepared_transactions: 0,
        max_locks_per_transaction: 64,
      },
    });
  });

  it('with a state that is not known is unrecognized, and with a line missing is an error', () => {
    expect(parseControlData(TEXT.replace('shut down in recovery', 'dreaming')).state).toBe('unrecognized');
    expect(() => parseControlData(TEXT.replace(/Latest checkpoint location.*/, ''))).toThrow(
      /Latest checkpoint location/,
    );
  });
});
