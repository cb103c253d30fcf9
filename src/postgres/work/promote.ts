import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { PostgresError } from '../errors.ts';
import { send } from '../process/orphans.ts';
import type { Session } from '../sql/session.ts';
import { removeDurably, writeDurably } from '../volume/durable.ts';
import { historyFileName, PLACEHOLDER } from '../volume/timeline-history.ts';
import type { WalDirectory } from '../volume/wal-directory.ts';
import { until } from '../wait.ts';
import { FOLLOW_NOBODY } from './receiver.ts';
import { type Running, reload, requireRunning } from './reload.ts';

const POLL_MS = 5;

/**
 * Promotes to exactly this timeline. Postgres takes the number after the newest one that has a history file
 * (timeline.c, findNewestTimeLine, which looks only whether the file exists), so a placeholder is put in for each
 * number in between. Nothing is promoted where the number is taken already.
 */
export async function promote(
  running: Running,
  walPath: string,
  wal: WalDirectory,
  timeline: TimelineId,
  signal: AbortSignal,
): Promise<void> {
  requireRunning(running);
  // A target that was prepared beforehand still names its old primary; a primary names nobody.
  const unfollowed = running.files.wanted.upstream === null ? null : reload(running, FOLLOW_NOBODY);
  unfollowed?.catch(() => undefined); // Waited for below, unless something else fails first.
  await running.server.with(signal, async (session) => {
    const {
      inRecovery,
      timeline: replayed,
      summarizer,
    } = await one<Recovery>(session, RECOVERY_QUERY, signal);
    if (!inRecovery) throw new PostgresError('WRONG_STATE', 'Postgres is a primary already', 'Look again.');
    await reserve(walPath, wal, timeline, timelineId(replayed));
    await unfollowed;
    await session.query('select pg_promote(wait => false)', [], signal);
    await until('promoting', POLL_MS, signal, async () => {
      // Where there is an archive, Postgres waits for the summary up to the fork (xlog.c, CleanupAfterArchiveRecovery),
      // and nobody else wakes who makes it from a sleep of up to half a minute (walsummarizer.c, MAX_SLEEP_QUANTA).
      if (summarizer !== null) send(summarizer, 'SIGHUP');
      const row = await one<{ timeline: string | null }>(session, PROMOTED_QUERY, signal);
      if (row.timeline === null) return null;
      const got = Number.parseInt(row.timeline, 16);
      if (got !== timeline) throw mismatch(timeline, got);
      return true;
    });
  });
}

/** Removes placeholders that no real history follows: a standby that starts would take them for a timeline to recover to. */
export async function removeDanglingPlaceholders(walPath: string, wal: WalDirectory): Promise<void> {
  const { histories } = await wal.look();
  for (const timeline of [...histories].reverse()) {
    const path = join(walPath, historyFileName(timeline));
    if ((await readFile(path, 'utf8')) !== PLACEHOLDER) return;
    await removeDurably(path);
  }
}

interface Recovery {
  readonly inRecovery: boolean;
  /** The one that is being recovered, by the control file. */
  readonly timeline: number;
  /** The pid of the summarizer of WAL (Postgres 17 and later); null: there is none. */
  readonly summarizer: number | null;
}

const RECOVERY_QUERY = `
select pg_is_in_recovery() as "inRecovery", greatest(timeline_id, min_recovery_end_timeline) as timeline,
  (select pid from pg_stat_activity where backend_type = 'walsummarizer') as summarizer
from pg_control_checkpoint(), pg_control_recovery()`;

const PROMOTED_QUERY = `
select case when not pg_is_in_recovery()
  then substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) end as timeline`;

async function reserve(
  walPath: string,
  wal: WalDirectory,
  timeline: TimelineId,
  current: TimelineId,
): Promise<void> {
  const { histories } = await wal.look();
  const newest = Math.max(current, ...histories);
  if (timeline <= newest) {
    throw new PostgresError(
      'TIMELINE_TAKEN',
      `timeline ${timeline} cannot be promoted to: ${newest} exists here`,
      'The cluster reserves a higher number with its next epoch.',
    );
  }
  for (let between = newest + 1; between < timeline; between++) {
    await writeDurably(join(walPath, historyFileName(timelineId(between))), PLACEHOLDER);
  }
}

async function one<Row extends object>(session: Session, text: string, signal: AbortSignal): Promise<Row> {
  const [row] = await session.query<Row>(text, [], signal);
  if (row === undefined) throw new PostgresError('QUERY_FAILED', 'the query returned no row', 'Look again.');
  return row;
}

function mismatch(wanted: TimelineId, got: number): PostgresError {
  return new PostgresError(
    'TIMELINE_MISMATCH',
    `the promotion came out on timeline ${got}, not on ${wanted} as reserved`,
    'The agent stops this Postgres: nobody follows it.',
  );
}
