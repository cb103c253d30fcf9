import { isLsn, type Lsn } from '../../ha/lsn.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';

/** What a recovery has told of itself so far, by its log. */
export interface RecoveryStory {
  /** The file of WAL that it took last; null: none yet. */
  readonly restored: string | null;
  /** Up to where it has replayed: known when it has ended. */
  readonly redoneTo: Lsn | null;
  /** Where it stopped, in Postgres's words: `before commit of transaction 742, time …`; null: at the end of WAL. */
  readonly stopped: string | null;
  /** When the last transaction in it was committed, in Postgres's words; null: it replayed none. */
  readonly lastTransaction: string | null;
  /** The timeline that its promotion took. */
  readonly timeline: TimelineId | null;
  readonly consistent: boolean;
  /** It stands still at the target. */
  readonly paused: boolean;
  /** It accepts connections that write. */
  readonly promoted: boolean;
  /** The error that ended it. */
  readonly fatal: string | null;
}

export const RECOVERY_BEGINS: RecoveryStory = {
  restored: null,
  redoneTo: null,
  stopped: null,
  lastTransaction: null,
  timeline: null,
  consistent: false,
  paused: false,
  promoted: false,
  fatal: null,
};

/** One message more (xlogrecovery.c and xlog.c; under lc_messages = C). */
export function tellRecovery(
  story: RecoveryStory,
  { severity, message }: { readonly severity: string; readonly message: string },
): RecoveryStory {
  if (severity === 'FATAL' || severity === 'PANIC') return { ...story, fatal: story.fatal ?? message };
  // Before log_line_prefix is in effect: `2030-01-31 03:00:00 GMT [42] FATAL:  …`.
  const early = /^\S+ \S+ \S+ \[\d+\] (?:FATAL|PANIC): {2}(.*)$/.exec(message)?.[1];
  if (early !== undefined) return { ...story, fatal: story.fatal ?? early };
  const after = (pattern: RegExp): string | null => pattern.exec(message)?.[1] ?? null;
  const restored = after(/^restored log file "([^"]+)" from archive/);
  if (restored !== null) return { ...story, restored };
  const redone = after(/^redo done at (\S+)/);
  if (redone !== null && isLsn(redone)) return { ...story, redoneTo: redone };
  const stopped = after(/^recovery stopping (.*)$/s);
  if (stopped !== null) return { ...story, stopped };
  const lastTransaction = after(/^last completed transaction was at log time (.*)$/);
  if (lastTransaction !== null) return { ...story, lastTransaction };
  const timeline = after(/^selected new timeline ID: (\d+)/);
  if (timeline !== null) return { ...story, timeline: timelineId(Number(timeline)) };
  if (message.startsWith('consistent recovery state reached')) return { ...story, consistent: true };
  if (message.startsWith('pausing at the end of recovery')) return { ...story, paused: true };
  if (message === 'database system is ready to accept connections') return { ...story, promoted: true };
  return story;
}
