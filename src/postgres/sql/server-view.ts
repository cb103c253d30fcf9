import { isLsn, LSN_ZERO, type Lsn, latestLsn } from '../../ha/lsn.ts';
import type { MemberIncarnation } from '../../ha/member.ts';
import {
  epoch,
  type Instant,
  instant,
  type Millis,
  millis,
  type TimelineId,
  timelineId,
} from '../../ha/units.ts';
import type { ServerView, WalReceiver, Walsender } from '../../ha/view.ts';
import { reachedTimeline, type WalDirectoryView } from '../volume/wal-directory.ts';
import type { SenderRow, StatusRow } from './status-query.ts';
import type { Status } from './status-reader.ts';

/** What the last look leaves behind: "seen to change" needs two. Plain data. */
export interface Traces {
  readonly lookedAt: Instant | null;
  readonly receiver: {
    readonly pid: number;
    readonly heard: string | null;
    readonly heardAt: Instant;
  } | null;
  readonly senders: Readonly<Record<number, { readonly reply: string | null; readonly at: Instant }>>;
  /** Where replay stood when the startup process was found to wait for more WAL than there is. */
  readonly endOfWalAt: Lsn | null;
}

export const NO_TRACES: Traces = { lookedAt: null, receiver: null, senders: {}, endOfWalAt: null };

/** What only the agent knows. */
export interface ServerContext {
  readonly wal: WalDirectoryView;
  readonly promoting: boolean;
  readonly doorOpen: boolean;
  readonly doorInDoubt: boolean;
}

/** The instant of what never happened. */
export const NEVER = instant(Number.NEGATIVE_INFINITY);

/** The startup process waits for WAL: everything local has been replayed (wait events, "Activity" and "Timeout"). */
const WAITS_FOR_WAL = new Set(['RecoveryWalStream', 'RecoveryRetrieveRetryInterval']);

/** Turns an answer of the status query into the view of the rules; pure. */
export function serverView(
  status: Status,
  traces: Traces,
  context: ServerContext,
): { readonly view: ServerView; readonly traces: Traces } {
  const { row } = status;
  const receiver = receiverView(status, traces);
  const replayLsn = lsnOf(row.replay);
  const flushLsn = row.inRecovery ? latestLsn(lsnOf(row.receive), replayLsn) : lsnOf(row.flush);
  const endOfWalAt = endOfWal(row, traces, replayLsn);
  const senders = row.senders.map((sender) => senderView(sender, status, traces));
  const end = row.inRecovery
    ? standbyEnd(row, context.wal, flushLsn)
    : primaryEnd(timelineId(Number.parseInt(row.timeline ?? '0', 16)), context.wal);
  const view: ServerView = {
    inRecovery: row.inRecovery,
    promoting: row.inRecovery && context.promoting,
    ...end,
    flushLsn,
    replayLsn: row.inRecovery ? replayLsn : flushLsn,
    atEndOfWal: endOfWalAt !== null,
    checkpointTimeline: timelineId(row.checkpointTimeline),
    receiver,
    follows: row.inRecovery ? (row.follows as MemberIncarnation | null) : null,
    synchronousStandbyNames: row.names,
    walsenders: senders,
    lastRow: lastRow(row),
    settledEpoch: epoch(row.settledEpoch ?? 0),
    doorOpen: context.doorOpen,
    doorInDoubt: context.doorInDoubt,
    prepared: row.rolesExist && row.tableExists,
    commitsWaiting: row.waiting,
    replayLag: replayLag(row),
  };
  const left: Traces = {
    lookedAt: status.answeredAt,
    receiver:
      row.receiver === null || receiver === null
        ? null
        : { pid: receiver.pid, heard: row.receiver.heard, heardAt: receiver.heardAt },
    senders: Object.fromEntries(
      senders.map((sender, index) => [
        sender.pid,
        { reply: row.senders[index]?.reply ?? null, at: sender.repliedAt },
      ]),
    ),
    endOfWalAt,
  };
  return { view, traces: left };
}

/** The timeline of the last WAL that a standby has: streamed now, found in pg_wal, or checkpointed. */
export function standbyEnd(
  row: {
    readonly receiver?: { readonly timeline: number | null } | null;
    readonly checkpointTimeline: number;
  },
  wal: WalDirectoryView,
  flushLsn: Lsn,
): Pick<ServerView, 'timeline' | 'forks'> {
  const highest = Math.max(wal.timeline, row.receiver?.timeline ?? 0, row.checkpointTimeline);
  return reachedTimeline(timelineId(highest), wal.forksOf, flushLsn);
}

function primaryEnd(timeline: TimelineId, wal: WalDirectoryView): Pick<ServerView, 'timeline' | 'forks'> {
  return { timeline, forks: wal.forksOf.get(timeline) ?? [] };
}

function receiverView(status: Status, traces: Traces): WalReceiver | null {
  const row = status.row.receiver;
  if (row === null) return null;
  return {
    pid: row.pid,
    streaming: row.status === 'streaming',
    heardAt: heardAt(row, status, traces),
    timeline: timelineId(row.timeline ?? 0),
  };
}

/**
 * When the receiver last heard its sender. The server tells it by its wall clock, which may jump: a jump must not
 * make a dead primary look heard. So a message counts only when its time *changes* between two looks, and is placed
 * between these two, whatever the clock says.
 */
function heardAt(
  row: { readonly pid: number; readonly heard: string | null; readonly heardAgo: number | null },
  status: Status,
  traces: Traces,
): Instant {
  if (row.heard === null || row.heardAgo === null) return NEVER;
  const before = traces.receiver;
  if (before !== null && before.pid === row.pid && before.heard === row.heard) return before.heardAt;
  const told = status.sentAt - Math.max(0, row.heardAgo);
  const earliest = before?.pid === row.pid ? (traces.lookedAt ?? told) : told;
  return instant(Math.min(status.sentAt, Math.max(told, Math.min(earliest, status.sentAt))));
}

function senderView(row: SenderRow, status: Status, traces: Traces): Walsender {
  const before = traces.senders[row.pid];
  const changed = row.reply !== null && before?.reply !== row.reply;
  return {
    identity: row.identity,
    pid: row.pid,
    streaming: row.state === 'streaming',
    hasSlot: row.hasSlot,
    syncState: row.syncState ?? 'async',
    sentLsn: lsnOf(row.sent),
    flushLsn: lsnOf(row.flush),
    replayLsn: lsnOf(row.replay),
    // The question's sending, not its answer: the reply cannot be younger than what was seen.
    repliedAt: changed ? status.sentAt : (before?.at ?? NEVER),
  };
}

/**
 * Stays once seen, until replay moves or something is received: the wait is short, and a look may fall beside it. A
 * receiver that waits receives nothing: where the histories differ it is told so by its sender, waits, is sent off
 * again, and so for ever (walreceiver.c, WALRCV_WAITING). Nor does one that is not shown: it still connects
 * (`ready_to_display`), which has no bound where a frozen postmaster leaves the connection in its queue.
 */
function endOfWal(row: StatusRow, traces: Traces, replayLsn: Lsn): Lsn | null {
  if (!row.inRecovery) return null;
  const { receiver, receiverRuns, startupWait } = row;
  if (receiverRuns && receiver === null) return startupWait === 'RecoveryWalStream' ? replayLsn : null;
  if (receiverRuns && receiver?.status !== 'waiting') return null;
  if (startupWait !== null && WAITS_FOR_WAL.has(startupWait)) return replayLsn;
  return traces.endOfWalAt === replayLsn ? replayLsn : null;
}

function lastRow(row: StatusRow): ServerView['lastRow'] {
  if (row.lastRow == null) return null;
  return {
    epoch: epoch(row.lastRow.epoch),
    primary: row.lastRow.primary as MemberIncarnation,
    timeline: timelineId(row.lastRow.timeline),
    settled: row.lastRow.settled,
  };
}

/** Nothing received is left to replay: no lag; else the age of the last replayed commit (by two wall clocks). */
function replayLag(row: StatusRow): Millis | null {
  if (!row.inRecovery) return null;
  if (row.receiver?.status === 'streaming' && row.receive !== null && row.receive === row.replay) {
    return millis(0);
  }
  return row.replayedAgo === null ? null : millis(Math.max(0, Math.round(row.replayedAgo)));
}

function lsnOf(text: string | null): Lsn {
  return text !== null && isLsn(text) ? text : LSN_ZERO;
}
