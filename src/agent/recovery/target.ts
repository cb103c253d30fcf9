import type { RestoreTarget, TimelineChoice } from '../../archive/restore/target.ts';
import { parseUtcTime } from '../../archive/restore/utc-time.ts';
import type { Configuration } from '../../config/configuration.ts';
import { isLsn } from '../../ha/lsn.ts';
import { AgentStateError } from '../errors.ts';

type Recovery = Configuration['bootstrap']['recovery'];

/** The target that a valid configuration names. */
export function configuredTarget(recovery: Recovery): RestoreTarget {
  const { toTime, toLsn, toXid, toName, immediate, exclusive } = recovery;
  if (toTime !== null) {
    const time = parseUtcTime(toTime);
    if (time === null) throw new AgentStateError(`bootstrap.recovery.toTime is no time: ${toTime}`);
    return { kind: 'time', time, exclusive };
  }
  if (toLsn !== null) {
    if (!isLsn(toLsn)) throw new AgentStateError(`bootstrap.recovery.toLsn is no LSN: ${toLsn}`);
    return { kind: 'lsn', lsn: toLsn, exclusive };
  }
  if (toXid !== null) return { kind: 'xid', xid: toXid, exclusive };
  if (toName !== null) return { kind: 'name', name: toName };
  return immediate ? { kind: 'immediate' } : { kind: 'latest' };
}

export function configuredTimeline({ timeline }: Recovery): TimelineChoice {
  return timeline === 'latest' || timeline === 'current' ? timeline : Number(timeline);
}
