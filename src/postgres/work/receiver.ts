import { isLsn, LSN_ZERO, type Lsn, latestLsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { PostgresError } from '../errors.ts';
import { send } from '../process/orphans.ts';
import { standbyEnd } from '../sql/server-view.ts';
import type { Session } from '../sql/session.ts';
import type { WalDirectory } from '../volume/wal-directory.ts';
import { bounded, pause, until } from '../wait.ts';
import { type Running, reloadProven } from './reload.ts';

const BOUND_MS = 5_000;
const LOOK_INTERVAL_MS = 10;
/** Longer than the startup process needs from a wake-up to the launch of a receiver with the conninfo it had before. */
const STAYS_GONE_MS = 50;

/** Since when it is proven that no receiver runs: `SettingsFiles.followings` at the time; null: it is not. */
export interface ReceiverEnd {
  followings: number | null;
  /** As `followings`, for the proof that the postmaster has read `FOLLOW_NOBODY`. */
  unfollowed: number | null;
}

/** No primary_conninfo; and replay waits for nobody. */
export const FOLLOW_NOBODY = {
  upstream: null,
  useSlot: false,
  hurryReplay: true,
  sparseSegments: false,
  fromArchive: false,
} as const;

interface ReceiverRow {
  readonly inRecovery: boolean;
  readonly pids: readonly number[];
  readonly receive: string | null;
  readonly replay: string | null;
  readonly checkpointTimeline: number;
}

const RECEIVER_QUERY = `
select pg_is_in_recovery() as "inRecovery",
  array(select pid from pg_stat_activity where backend_type = 'walreceiver') as pids,
  pg_last_wal_receive_lsn()::text as receive, pg_last_wal_replay_lsn()::text as replay,
  (select timeline_id from pg_control_checkpoint()) as "checkpointTimeline"`;

/**
 * Ends streaming for good: no primary_conninfo, the receiver ended by pid, and seen gone twice. Replay is no longer
 * held up by sessions or a pause: this member may be needed as the primary at once. What the receiver had got is
 * flushed when it is gone (WalRcvDie flushes what it has written).
 */
export async function endReceiver(
  running: Running,
  wal: WalDirectory,
  end: ReceiverEnd,
  signal: AbortSignal,
): Promise<{ readonly timeline: TimelineId; readonly flushLsn: Lsn }> {
  const limit = bounded(BOUND_MS, signal);
  if (end.unfollowed !== running.files.followings) {
    await reloadProven(running, FOLLOW_NOBODY, limit);
    end.unfollowed = running.files.followings;
  }
  return running.server.with(limit, (session) => receiverGone(running, session, wal, end, limit));
}

/**
 * Before a promotion: replay goes on, and the receiver is ended. One that the startup process was just about to launch
 * does no harm there: Postgres ends it at the promotion itself (xlogrecovery.c, FinishWalRecovery), and what it gets
 * until then belongs to the new history.
 */
export async function receiverEnded(session: Session, limit: AbortSignal): Promise<void> {
  await session.query(
    'select pg_wal_replay_resume() where pg_is_in_recovery() and pg_is_wal_replay_paused()',
    [],
    limit,
  );
  await untilGone(session, limit);
}

/**
 * What `endReceiver` proves, once the postmaster has read `FOLLOW_NOBODY`. Where it was proven before and nobody has
 * been followed since, one look suffices: the candidate's own promise comes right before its promotion.
 */
export async function receiverGone(
  running: Running,
  session: Session,
  wal: WalDirectory,
  end: ReceiverEnd,
  limit: AbortSignal,
): Promise<{ readonly timeline: TimelineId; readonly flushLsn: Lsn }> {
  await receiverEnded(session, limit);
  const { followings } = running.files;
  if (end.followings !== followings) {
    await pause(STAYS_GONE_MS, 'verifying that the WAL receiver stays gone', limit);
  }
  const row = await look(session, limit);
  if (row.pids.length > 0) {
    throw new PostgresError(
      'RECEIVER_SURVIVES',
      'a WAL receiver runs although nobody is followed any more',
      'It is tried again by itself.',
    );
  }
  end.followings = followings;
  const flushLsn = latestLsn(lsnOf(row.receive), lsnOf(row.replay));
  const { timeline } = standbyEnd(row, await wal.look(), flushLsn);
  return { timeline, flushLsn };
}

async function untilGone(session: Session, signal: AbortSignal): Promise<void> {
  await until('ending the WAL receiver', LOOK_INTERVAL_MS, signal, async () => {
    const { pids, inRecovery } = await look(session, signal);
    if (!inRecovery) {
      throw new PostgresError('WRONG_STATE', 'Postgres is a primary: it has no WAL receiver', 'Look again.');
    }
    // By kill(2): pg_terminate_backend does not know auxiliary processes before 18.
    for (const pid of pids) send(pid, 'SIGTERM');
    return pids.length === 0 ? true : null;
  });
}

async function look(session: Session, signal: AbortSignal): Promise<ReceiverRow> {
  const [row] = await session.query<ReceiverRow>(RECEIVER_QUERY, [], signal);
  if (row === undefined) throw new PostgresError('QUERY_FAILED', 'the query returned no row', 'Look again.');
  return row;
}

function lsnOf(text: string | null): Lsn {
  return text !== null && isLsn(text) ? text : LSN_ZERO;
}
