import { type Command, Option } from 'commander';
import type { RestoreTarget, TimelineChoice } from '../archive/restore/target.ts';
import { parseUtcTime } from '../archive/restore/utc-time.ts';
import { isLsn } from '../ha/lsn.ts';
import { UsageError } from './errors.ts';

/** What says where a recovery stops. */
export interface TargetOptions {
  readonly toTime?: string;
  readonly toLsn?: string;
  readonly toXid?: string;
  readonly toName?: string;
  readonly immediate?: boolean;
  readonly exclusive?: boolean;
  readonly timeline?: string;
  readonly backup?: string;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option('--to-time <time>', 'to a time with its zone, such as "2030-01-31 03:00:00+00"')
    .option('--to-lsn <lsn>', 'to a position in WAL, such as 0/3000060')
    .option('--to-xid <xid>', 'to the end of a transaction')
    .option('--to-name <name>', 'to a restore point (pg_create_restore_point)')
    .option('--immediate', 'to the end of the backup, the first point at which it is consistent')
    .option('--exclusive', 'to just before the time, LSN or transaction')
    .option('--timeline <timeline>', 'latest, current (that of the backup), or its number', 'latest')
    .addOption(new Option('--backup <id>', 'the backup to begin with (default: the newest that does)'));
}

/** The one target that the options name; none: the end of the archive. */
export function targetOf(options: TargetOptions): RestoreTarget {
  const { toTime, toLsn, toXid, toName, immediate, exclusive = false } = options;
  const given = [toTime, toLsn, toXid, toName, immediate].filter((one) => one !== undefined);
  if (given.length > 1)
    throw new UsageError(
      'more than one target is given',
      'give one of --to-time, --to-lsn, --to-xid, --to-name and --immediate',
    );
  if (exclusive && toTime === undefined && toLsn === undefined && toXid === undefined)
    throw new UsageError('--exclusive needs a target', 'give it with --to-time, --to-lsn or --to-xid');
  if (toTime !== undefined) {
    const time = parseUtcTime(toTime);
    if (time === null)
      throw new UsageError(
        `not a time with a zone: ${toTime}`,
        'give date, time and zone, such as --to-time "2030-01-31 03:00:00+00"',
      );
    return { kind: 'time', time, exclusive };
  }
  if (toLsn !== undefined) {
    if (!isLsn(toLsn))
      throw new UsageError(`not an LSN: ${toLsn}`, 'give it as Postgres writes it: 0/3000060');
    return { kind: 'lsn', lsn: toLsn, exclusive };
  }
  if (toXid !== undefined) {
    if (!/^[1-9]\d{0,19}$/.test(toXid))
      throw new UsageError(`not a transaction id: ${toXid}`, 'give its number: --to-xid 742');
    // What txid_current() gives counts on over 32 bits; WAL and recovery_target_xid have the lower ones.
    return { kind: 'xid', xid: String(BigInt.asUintN(32, BigInt(toXid))), exclusive };
  }
  if (toName !== undefined) {
    if (toName === '' || Buffer.byteLength(toName) > 63)
      throw new UsageError('not the name of a restore point', 'it has 1 to 63 bytes');
    return { kind: 'name', name: toName };
  }
  return immediate === true ? { kind: 'immediate' } : { kind: 'latest' };
}

export function timelineOf({ timeline = 'latest' }: TargetOptions): TimelineChoice {
  if (timeline === 'latest' || timeline === 'current') return timeline;
  const number = Number(timeline);
  if (/^\d+$/.test(timeline) && number >= 1 && number < 2 ** 32) return number;
  throw new UsageError(`not a timeline: ${timeline}`, 'give latest, current, or a number such as 3');
}
