import { LSN_ZERO, type Lsn } from '../../../src/ha/lsn.ts';
import { incarnation, memberIncarnation, memberName } from '../../../src/ha/member.ts';
import type { ClusterRecord, MemberRecord } from '../../../src/ha/record.ts';
import { epoch, millis, timelineId } from '../../../src/ha/units.ts';

export const PG0 = memberIncarnation(memberName('pg-0'), incarnation('0000aaaa'));
export const PG1 = memberIncarnation(memberName('pg-1'), incarnation('0000bbbb'));
export const HOLDER = 'pg-0/7d0e/boot-1';

/** A cluster record with every field in use. */
export function record(over: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    clusterUID: 'd1f0',
    generation: 2,
    systemIdentifier: '7421893456789012345',
    epoch: epoch(7),
    revision: 9,
    holder: HOLDER,
    primary: PG0,
    timeline: timelineId(5),
    highestTimeline: timelineId(6),
    settled: { epoch: epoch(7), primary: PG0, timeline: timelineId(5), cohort: [PG1], acks: 1 },
    fenced: ['pg-2'],
    ending: { target: PG1, cause: 'switchover' },
    paused: false,
    flushLsn: '16/B374D848' as Lsn,
    switchover: { target: memberName('pg-1'), at: null, requestedAt: '2026-01-02T03:04:05Z' },
    history: [
      {
        epoch: epoch(7),
        timeline: timelineId(5),
        primary: PG0,
        at: '2026-01-02T03:04:05Z',
        cause: 'failover',
        switchLsn: LSN_ZERO,
      },
    ],
    leaseDuration: millis(10_000),
    ...over,
  };
}

export function member(over: Partial<MemberRecord> = {}): MemberRecord {
  return {
    member: memberName('pg-1'),
    incarnation: incarnation('0000bbbb'),
    systemIdentifier: '7421893456789012345',
    host: '10.1.2.3',
    postgresPort: 5432,
    httpPort: 8008,
    https: true,
    floor: { epoch: epoch(7), primary: PG0, revision: 9 },
    tags: { nofailover: false, nosync: false, priority: 1 },
    ...over,
  };
}

/** Waits for a condition, at most `bound` milliseconds. */
export async function until(what: string, condition: () => boolean, bound = 5_000): Promise<void> {
  const end = performance.now() + bound;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${bound} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
