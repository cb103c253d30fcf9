import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import type { RecoveryTarget } from '../catalog/choose.ts';
import { postgresTime, type UtcTime } from './utc-time.ts';

/** Up to where WAL is replayed. `exclusive`: to just before it. */
export type RestoreTarget =
  | { readonly kind: 'latest' }
  /** The end of the backup: the first point at which it is consistent. */
  | { readonly kind: 'immediate' }
  | { readonly kind: 'time'; readonly time: UtcTime; readonly exclusive: boolean }
  | { readonly kind: 'lsn'; readonly lsn: Lsn; readonly exclusive: boolean }
  | { readonly kind: 'xid'; readonly xid: string; readonly exclusive: boolean }
  /** A restore point (pg_create_restore_point). */
  | { readonly kind: 'name'; readonly name: string };

/** Which history is followed: the newest that the backup leads to, the backup's own, or one by its number. */
export type TimelineChoice = 'latest' | 'current' | number;

/** For people. */
export function describeTarget(target: RestoreTarget): string {
  switch (target.kind) {
    case 'latest':
      return 'the end of the archive';
    case 'immediate':
      return 'the end of the backup';
    case 'time':
      return `${target.exclusive ? 'just before ' : ''}the time ${target.time}`;
    case 'lsn':
      return `${target.exclusive ? 'just before ' : ''}LSN ${target.lsn}`;
    case 'xid':
      return `${target.exclusive ? 'just before ' : ''}transaction ${target.xid}`;
    case 'name':
      return `the restore point ${JSON.stringify(target.name)}`;
  }
}

/**
 * The settings of a target (documentation, "Recovery Target"), each of them named: what a postgresql.auto.conf of the
 * backup still says would be a second target, which Postgres refuses. The one that counts comes last: an empty one
 * after it is taken for a second target, too (xlogrecovery.c, assign_recovery_target_time).
 */
export function targetSettings(target: RestoreTarget): Readonly<Record<string, string>> {
  const [name, value] = namedSetting(target);
  const { [name]: _, ...others } = NO_TARGET;
  const inclusive = 'exclusive' in target && target.exclusive ? 'off' : 'on';
  return { ...others, [name]: value, recovery_target_inclusive: inclusive };
}

const NO_TARGET: Readonly<Record<string, string>> = {
  recovery_target: '',
  recovery_target_time: '',
  recovery_target_lsn: '',
  recovery_target_xid: '',
  recovery_target_name: '',
};

function namedSetting(target: RestoreTarget): readonly [string, string] {
  switch (target.kind) {
    case 'latest':
      return ['recovery_target', ''];
    case 'immediate':
      return ['recovery_target', 'immediate'];
    case 'time':
      return ['recovery_target_time', postgresTime(target.time)];
    case 'lsn':
      return ['recovery_target_lsn', target.lsn];
    case 'xid':
      return ['recovery_target_xid', target.xid];
    case 'name':
      return ['recovery_target_name', target.name];
  }
}

export function isSameTarget(a: RestoreTarget, b: RestoreTarget): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether `b` is certainly behind `a` on the same timelines: a recovery that stands at `a` can go on to it. */
export function isFurther(a: RestoreTarget, b: RestoreTarget): boolean {
  if (a.kind === 'immediate' || b.kind === 'latest') return a.kind !== 'latest';
  if (a.kind === 'time' && b.kind === 'time') return b.time > a.time;
  return a.kind === 'lsn' && b.kind === 'lsn' && compareLsn(b.lsn, a.lsn) > 0;
}

/** As the catalog looks for it, to the millisecond. */
export function catalogTarget(target: RestoreTarget): RecoveryTarget {
  return target.kind === 'time' ? { kind: 'time', at: new Date(target.time) } : target;
}
