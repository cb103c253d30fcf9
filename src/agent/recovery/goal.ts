import type { RestoreTarget } from '../../archive/restore/target.ts';
import { parseUtcTime } from '../../archive/restore/utc-time.ts';
import { isLsn } from '../../ha/lsn.ts';
import type { RecoveryGoal } from '../../ha/record.ts';
import { InvalidGoalError } from './errors.ts';

/** A goal as the restore takes it. @throws InvalidGoalError */
export function goalTarget({ kind, value, exclusive }: RecoveryGoal): RestoreTarget {
  switch (kind) {
    case 'latest':
    case 'immediate':
      return { kind };
    case 'time': {
      const time = parseUtcTime(value);
      if (time === null) throw new InvalidGoalError(kind, value, 'a time with its zone');
      return { kind, time, exclusive };
    }
    case 'lsn':
      if (!isLsn(value)) throw new InvalidGoalError(kind, value, 'an LSN such as 0/3000060');
      return { kind, lsn: value, exclusive };
    case 'xid':
      if (!/^\d{1,10}$/.test(value)) throw new InvalidGoalError(kind, value, 'the number of a transaction');
      return { kind, xid: value, exclusive };
    case 'name':
      if (value === '' || Buffer.byteLength(value) > 63)
        throw new InvalidGoalError(kind, value, 'a name of 1 to 63 bytes');
      return { kind, name: value };
  }
}

/** A target as the cluster record carries it. */
export function goalOf(target: RestoreTarget): RecoveryGoal {
  switch (target.kind) {
    case 'latest':
    case 'immediate':
      return { kind: target.kind, value: '', exclusive: false };
    case 'time':
      return { kind: 'time', value: target.time, exclusive: target.exclusive };
    case 'lsn':
      return { kind: 'lsn', value: target.lsn, exclusive: target.exclusive };
    case 'xid':
      return { kind: 'xid', value: target.xid, exclusive: target.exclusive };
    case 'name':
      return { kind: 'name', value: target.name, exclusive: false };
  }
}
