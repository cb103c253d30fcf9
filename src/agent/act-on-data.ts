import type { Decision } from '../ha/decision.ts';
import { type MemberIncarnation, memberIncarnation, memberOf } from '../ha/member.ts';
import { synchronousStandbyNames } from '../ha/quorum.ts';
import type { View } from '../ha/view.ts';
import { PostgresError } from '../postgres/errors.ts';
import type { ReportProgress, Upstream } from '../postgres/ports.ts';
import type { Context } from './context.ts';
import { AgentStateError } from './errors.ts';
import { learnTimelines } from './timelines.ts';
import { writeFloor } from './write-floor.ts';

type DataDecision = Extract<
  Decision,
  {
    kind:
      | 'initialize'
      | 'start-primary'
      | 'start-standby'
      | 'follow'
      | 'unfollow'
      | 'raise-floor'
      | 'stop'
      | 'rewind'
      | 'clone'
      | 'set-aside'
      | 'bring-back'
      | 'drop-kept';
  }
>;

/** How long a start may take: recovery reads all WAL since the last checkpoint. */
const START = 3_600_000;

/** Decisions about the data directory and its process. */
export async function actOnData(context: Context, view: View, decision: DataDecision): Promise<void> {
  const { instance, tasks, log } = context;
  const progress =
    (kind: string): ReportProgress =>
    (report) =>
      context.progress(kind, report);
  switch (decision.kind) {
    case 'initialize': {
      const { bootstrap, recoverTo } = context;
      const record = view.record.current?.record;
      const recovery = record?.recovery;
      const fill =
        record === undefined || recovery === undefined
          ? bootstrap
          : (report: ReportProgress) => recoverTo(recovery, record.highestTimeline, report);
      tasks.start('initialize', fill === null ? 'initdb' : 'restore', async (signal) => {
        const report = progress('initialize');
        if (fill === null) await instance.initialize(report, signal);
        else await instance.restore(fill(report), signal);
      });
      return;
    }
    case 'start-primary': {
      const record = view.record.current?.record;
      const { identity } = view.local;
      if (record === undefined || identity === null)
        throw new AgentStateError('start-primary without a record');
      context.wishes.restarted();
      tasks.start('start', 'primary', async (signal) => {
        await writeFloor(context, view, record, identity);
        await instance.startPrimary(
          synchronousStandbyNames(decision.cohort),
          AbortSignal.any([signal, AbortSignal.timeout(START)]),
        );
      });
      return;
    }
    case 'start-standby':
      context.wishes.restarted();
      tasks.start('start', 'standby', async (signal) => {
        await instance.startStandby(AbortSignal.any([signal, AbortSignal.timeout(START)]));
      });
      return;
    case 'follow': {
      const record = view.record.current?.record;
      const upstream = upstreamOf(context, decision.primary);
      if (record === undefined || upstream === null) return;
      if (view.local.clusterUID === null)
        await instance.writeClusterUID(record.clusterUID, record.generation);
      await instance.writeFloor(decision.floor, learnTimelines(view.local.timelineEpochs, record));
      context.recruitment = null;
      context.failedRecruitAt = null;
      await instance.follow(upstream, { mayFetch: true });
      return;
    }
    case 'raise-floor': {
      const record = view.record.current?.record;
      if (record === undefined) return;
      await instance.writeFloor(decision.floor, learnTimelines(view.local.timelineEpochs, record));
      return;
    }
    case 'unfollow':
      await instance.endReceiver(AbortSignal.timeout(2_000));
      return;
    case 'stop':
      if (decision.demotion) context.beginDemotion();
      context.recruitment = null;
      tasks.start('stop', decision.mode, async () => {
        await cancelWorks(context);
        await instance.stop(decision.mode);
        context.hold.stoppedAt = context.clock.now();
        // Whether the others have its last record decides on the hand-over.
        context.peers.nudge();
      });
      return;
    case 'rewind': {
      const upstream = upstreamOf(context, decision.from);
      if (upstream === null) return;
      tasks.start('rewind', decision.from, async (signal) => {
        await context.keepWal?.(decision.switchLsn, signal);
        await instance.rewind(upstream, decision.switchLsn, progress('rewind'), signal);
      });
      return;
    }
    case 'clone': {
      const record = view.record.current?.record;
      const upstream = upstreamOf(context, decision.from);
      if (upstream === null || record === undefined) return;
      tasks.start('clone', decision.from, async (signal) => {
        if (instance.process.state !== 'stopped') await instance.stop('fast');
        log.info(
          { event: 'clone.begun', from: decision.from },
          `Clones ${decision.from}: ${decision.reason}`,
        );
        await context.keepWal?.(null, signal);
        const removeOldFirst = context.volumeWasFull && mayGoFirst(view);
        try {
          await instance.clone(upstream, progress('clone'), signal, { removeOldFirst });
        } catch (error) {
          context.volumeWasFull = error instanceof PostgresError && error.code === 'VOLUME_FULL';
          throw error;
        }
        context.volumeWasFull = false;
        await instance.writeClusterUID(record.clusterUID, record.generation);
        await writeFloor(context, view, record, decision.from);
        context.wishes.reinitialized();
      });
      return;
    }
    case 'set-aside':
      context.beginDemotion();
      context.recruitment = null;
      tasks.start('set-aside', decision.id, async () => {
        await cancelHalfMade(context);
        await instance.setAside(decision);
        log.info(
          { event: 'recovery.aside', id: decision.id },
          `The data of this member is set aside: ${decision.reason}`,
        );
        context.peers.nudge();
      });
      return;
    case 'bring-back':
      context.beginDemotion();
      context.recruitment = null;
      tasks.start('bring-back', decision.id, async () => {
        await cancelHalfMade(context);
        await instance.bringBack(decision);
        log.info(
          { event: 'recovery.back', id: decision.id },
          `The data of this member is back: ${decision.reason}`,
        );
        context.peers.nudge();
      });
      return;
    case 'drop-kept':
      tasks.start('drop-kept', decision.id, async () => {
        await instance.dropKept(decision.id);
        log.info({ event: 'recovery.dropped', id: decision.id }, decision.reason);
      });
      return;
  }
}

/** A directory that was being made of the life that is over, or from the archive for one that is abandoned. */
async function cancelHalfMade({ tasks }: Context): Promise<void> {
  for (const kind of ['clone', 'initialize'] as const) await tasks.cancel(kind);
}

/** Works on a Postgres that is about to stop would only fail one after the other. */
async function cancelWorks(context: Context): Promise<void> {
  for (const kind of ['promote', 'epoch-row', 'prepare', 'prove-names', 'checkpoint'] as const)
    await context.tasks.cancel(kind);
}

/**
 * Without room for both, the old data goes before the new is there: only in a settled epoch whose cohort has another
 * member that streams.
 */
function mayGoFirst(view: View): boolean {
  const record = view.record.current?.record;
  if (record === undefined || record.settled.epoch !== record.epoch) return false;
  return view.peers.some(({ member, state }) => {
    if (state === null || state.incarnation === null || state.streamingFrom !== record.primary) return false;
    return record.settled.cohort.includes(memberIncarnation(member, state.incarnation));
  });
}

function upstreamOf(context: Context, identity: MemberIncarnation): Upstream | null {
  const record = context.peers.record(memberOf(identity));
  return record === null ? null : { identity, host: record.host, port: record.postgresPort };
}
