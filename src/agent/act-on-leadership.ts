import type { Decision } from '../ha/decision.ts';
import { compareLsn } from '../ha/lsn.ts';
import { countIn, synchronousStandbyNames } from '../ha/quorum.ts';
import type { Cohort } from '../ha/record.ts';
import { elapsed, millis } from '../ha/units.ts';
import type { EpochRow, ServerView, View } from '../ha/view.ts';
import type { ProcessState } from '../postgres/ports.ts';
import { settleUnknownSwap } from './act-on-record.ts';
import type { Context } from './context.ts';
import { AgentStateError, OverdueError } from './errors.ts';
import { writeFloor } from './write-floor.ts';

type LeadershipDecision = Extract<
  Decision,
  {
    kind:
      | 'promote'
      | 'write-epoch-row'
      | 'mark-settled'
      | 'open-door'
      | 'close-door'
      | 'set-names'
      | 'prove-names'
      | 'checkpoint';
  }
>;

/** Bounds in milliseconds. A promotion first finishes replay, which may take long. */
const PROMOTE = 600_000;
const RELOAD = 3_000;
const PROVE = 30_000;
const CHECKPOINT = 30_000;

/** Decisions of a member that leads, or is about to. */
export async function actOnLeadership(
  context: Context,
  view: View,
  decision: LeadershipDecision,
): Promise<void> {
  const { instance, tasks, hold } = context;
  switch (decision.kind) {
    case 'promote':
      tasks.start('promote', String(decision.epoch), (signal) => promote(context, view, decision, signal));
      return;
    case 'write-epoch-row': {
      const { identity, server } = view.local;
      if (identity === null || server === null) throw new AgentStateError('an epoch row without a server');
      tasks.start('epoch-row', String(decision.epoch), async (signal) => {
        // What came out of another cluster's archive has its roles, with its passwords.
        const isForeign = context.bootstrap !== null && decision.cohort.members.length === 0;
        if (!server.prepared || isForeign) await instance.prepare(signal);
        const { lsn } = await instance.writeEpochRow(
          {
            epoch: decision.epoch,
            primary: identity,
            timeline: decision.timeline,
            cohort: decision.cohort.members,
            acks: decision.cohort.acks,
          },
          signal,
        );
        hold.rowAcknowledged(decision.epoch, lsn);
      });
      return;
    }
    case 'mark-settled':
      await markSettled(context, view, decision);
      return;
    case 'open-door':
      if (decision.mark !== null) await markSettled(context, view, decision.mark);
      await instance.openDoor(AbortSignal.timeout(RELOAD));
      context.onDoorOpened(view);
      return;
    case 'close-door':
      await instance.closeDoor(AbortSignal.timeout(RELOAD));
      return;
    case 'set-names':
      // A proof under way is of what was in effect before: with the same names set again it would vouch for them by an
      // LSN that is old.
      await tasks.cancel('prove-names');
      hold.provenNames = null;
      if (!(await settleUnknownSwap(context, view))) return;
      await instance.setSynchronousStandbyNames(
        synchronousStandbyNames(decision.cohort),
        AbortSignal.timeout(RELOAD),
      );
      return;
    case 'checkpoint':
      tasks.start('checkpoint', 'a planned end', async (signal) => {
        try {
          await instance.expectSwitch();
          await instance.checkpoint(AbortSignal.any([signal, AbortSignal.timeout(CHECKPOINT)]));
        } finally {
          // Last: clients of a pooler wait for the hand-over alone, not for the checkpoint.
          await context.poolers.hold(signal);
        }
      });
      return;
    case 'prove-names':
      tasks.start('prove-names', synchronousStandbyNames(decision.cohort), (signal) =>
        prove(
          context,
          decision.cohort,
          decision.before,
          AbortSignal.any([signal, AbortSignal.timeout(PROVE)]),
        ),
      );
      return;
  }
}

async function markSettled(
  context: Context,
  view: View,
  { epoch, timeline }: Pick<EpochRow, 'epoch' | 'timeline'>,
): Promise<void> {
  const { identity } = view.local;
  if (identity === null) throw new AgentStateError('a settled mark without an identity');
  await context.instance.markSettled({ epoch, primary: identity, timeline }, AbortSignal.timeout(RELOAD));
}

async function promote(
  context: Context,
  view: View,
  decision: Extract<LeadershipDecision, { kind: 'promote' }>,
  signal: AbortSignal,
): Promise<void> {
  const { instance } = context;
  const record = view.record.current?.record;
  const { identity, server } = view.local;
  if (record === undefined || identity === null) throw new AgentStateError('a promotion without a record');
  const given = AbortSignal.any([signal, AbortSignal.timeout(PROMOTE)]);
  const names = synchronousStandbyNames(decision.cohort);
  const prepared = pidOf(instance.process);
  await Promise.all([
    writeFloor(context, view, record, identity),
    isPrepared(server, names) ? null : instance.prepareToPromote(names, given),
  ]);
  // One that came down and was started again waits for nobody's acknowledgement, and nobody's would ever do.
  if (prepared === null || pidOf(instance.process) !== prepared)
    throw new AgentStateError('Postgres was started anew while its promotion was prepared');
  // No promise can be given from here on: a member that won refuses, and its loop carries out one thing at a time.
  await instance.promote(decision.timeline, given);
  context.log.info(
    { event: 'promoted', epoch: decision.epoch, timeline: decision.timeline },
    `Promoted to timeline ${decision.timeline} in epoch ${decision.epoch}`,
  );
}

function pidOf(process: ProcessState): number | null {
  return process.state === 'stopped' ? null : process.pid;
}

/** The target of a planned end, or a candidate, did before what `prepareToPromote` does, and it receives from nobody. */
function isPrepared(server: ServerView | null, names: string): boolean {
  return (
    server !== null &&
    !server.doorOpen &&
    server.synchronousStandbyNames === names &&
    server.receiver === null
  );
}

/**
 * "In effect", in the order of the protocol: a new connection shows the value (set-names has seen to that); WAL is
 * forced past a point; every walsender that counted under the old value has confirmed it or is gone; `acks` of the
 * new cohort have confirmed it.
 */
async function prove(context: Context, cohort: Cohort, before: Cohort, signal: AbortSignal): Promise<void> {
  const { instance, clock } = context;
  const names = synchronousStandbyNames(cohort);
  // Backends read a flag that the checkpointer sets: from asynchronous to quorum, a checkpoint must return first.
  if (before.acks === 0 && cohort.acks > 0) await instance.checkpoint(signal);
  const lsn = await instance.forceWal(signal);
  const begun = clock.now();
  while (!signal.aborted) {
    const { server } = await instance.observe(millis(1_000));
    if (server !== null && server.synchronousStandbyNames === names) {
      // One that still catches up may report WAL of another history.
      const confirmed = server.walsenders.filter(
        (walsender) => walsender.streaming && compareLsn(walsender.flushLsn, lsn) >= 0,
      );
      const counted = new Set<string>([...before.members, ...cohort.members]);
      const late = server.walsenders.some(
        (walsender) => counted.has(walsender.identity) && compareLsn(walsender.flushLsn, lsn) < 0,
      );
      const have = countIn(
        cohort.members,
        confirmed.map((walsender) => walsender.identity),
      );
      if (!late && have >= cohort.acks && !signal.aborted) {
        context.hold.provenNames = names;
        return;
      }
    }
    await clock.sleep(millis(20), signal);
  }
  throw new OverdueError(`the proof that "${names}" is in effect`, elapsed(begun, clock.now()));
}
