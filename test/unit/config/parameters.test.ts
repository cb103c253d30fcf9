import { describe, expect, it } from 'vitest';
import { OWNED_PARAMETERS } from '../../../src/config/owned-parameters.ts';
import {
  defaultSendersAndSlots,
  type ParameterContext,
  parameterFindings,
} from '../../../src/config/parameters.ts';

const QUORUM: ParameterContext = { members: 3, durability: 'required', acks: 'auto' };

function refused(parameters: Record<string, string>, context = QUORUM): string[] {
  return parameterFindings(parameters, context).map((finding) =>
    finding.path.replace('postgres.parameters.', ''),
  );
}

describe('parameters of Postgres', () => {
  it('are passed through where the protocol does not own them', () => {
    expect(
      refused({
        shared_buffers: '1GB',
        hot_standby_feedback: 'on',
        wal_level: 'logical',
        max_wal_senders: '20',
        max_replication_slots: '20',
        'pg_stat_statements.max': '100',
      }),
    ).toEqual([]);
  });

  it.each(Object.keys(OWNED_PARAMETERS))('refuse %s, with the reason', (name) => {
    const [finding] = parameterFindings({ [name]: 'x' }, QUORUM);
    expect(finding?.message).toMatch(/^refused: .{10,}/);
  });

  it.each(['recovery_target', 'recovery_target_timeline', 'RESTART_AFTER_CRASH', 'Port'])(
    'refuse %s',
    (name) => {
      expect(refused({ [name]: 'x' })).toEqual([name]);
    },
  );

  it.each([
    ['wal_level', 'minimal'],
    ['fsync', 'off'],
    ['fsync', 'false'],
    ['full_page_writes', '0'],
    ['synchronous_commit', 'off'],
    ['synchronous_commit', 'local'],
    ['synchronous_commit', 'remote_write'],
    ['max_wal_senders', '5'],
    ['max_wal_senders', 'many'],
    ['max_replication_slots', '3'],
  ])('refuse %s = %s', (name, value) => {
    expect(refused({ [name]: value })).toEqual([name]);
  });

  it.each(['on', 'ON', 'true', 'tru', 'yes', '1', 'remote_apply'])(
    'take synchronous_commit = %s',
    (value) => {
      expect(refused({ synchronous_commit: value })).toEqual([]);
    },
  );

  it('take a weak synchronous_commit where nothing is promised', () => {
    expect(refused({ synchronous_commit: 'off' }, { ...QUORUM, durability: 'preferred' })).toEqual([]);
    expect(refused({ synchronous_commit: 'off' }, { ...QUORUM, acks: 0 })).toEqual([]);
  });

  it('refuse one name in two spellings', () => {
    expect(refused({ work_mem: '1MB', Work_Mem: '2MB' })).toEqual(['Work_Mem']);
  });

  it('have room for every member by default', () => {
    expect(defaultSendersAndSlots(3)).toEqual({ max_wal_senders: 10, max_replication_slots: 10 });
    const many = defaultSendersAndSlots(20);
    expect(
      refused(
        {
          max_wal_senders: `${many.max_wal_senders}`,
          max_replication_slots: `${many.max_replication_slots}`,
        },
        { ...QUORUM, members: 20 },
      ),
    ).toEqual([]);
  });
});
