import { expect, test } from 'vitest';
import { clusterStatus } from '../../../src/agent/cluster-status.ts';
import type { MemberStatus } from '../../../src/http/ports.ts';
import {
  ago,
  expecting,
  ids,
  memberRecord,
  NOW,
  name,
  peer,
  primaryView,
  record,
  settledAs,
} from '../ha/views.ts';

test('a member that was scaled away is not listed, once it is gone and no takeover needs it', () => {
  const own = { member: name(0), pendingRestart: [] as readonly string[] } as MemberStatus;
  const listed = (answeredAt: number, cohort: number[]): readonly string[] => {
    const gone = peer(
      2,
      {},
      { answeredAt: ago(answeredAt), last: answeredAt > 1_000 ? 'silent' : 'answered' },
    );
    const view = primaryView({
      settings: expecting(2),
      peers: [peer(1), gone],
      record: record({ settled: settledAs({ cohort: ids(...cohort) }) }),
    });
    return clusterStatus(view, NOW, own, memberRecord(0), null).members.map((member) => member.name);
  };
  expect(listed(60_000, [1])).toEqual(['pg-0', 'pg-1']);
  expect(listed(60_000, [1, 2])).toEqual(['pg-0', 'pg-1', 'pg-2']);
  expect(listed(100, [1])).toEqual(['pg-0', 'pg-1', 'pg-2']);
});
