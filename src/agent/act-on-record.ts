import { randomUUID } from 'node:crypto';
import type { Decision } from '../ha/decision.ts';
import { memberOf } from '../ha/member.ts';
import type { ClusterRecord, VersionedRecord } from '../ha/record.ts';
import { beginFirstEpoch, FRESH_DATA } from '../ha/transitions.ts';
import { instant, millis } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { SwapResult } from '../kubernetes/ports.ts';
import type { ApiParts, Context } from './context.ts';
import { writeFloor } from './write-floor.ts';

/** The longest that a swap may take before its outcome counts as unknown, in milliseconds. */
const SWAP = 1_500;

/** The longest that the look after it may take. */
const LOOK = 1_000;

type RecordDecision = Extract<
  Decision,
  {
    kind:
      | 'create-record'
      | 'swap-record'
      | 'begin-first-epoch'
      | 'win'
      | 'settle'
      | 'announce-end'
      | 'release'
      | 'hold-members';
  }
>;

/** Decisions that write the cluster record, each by one compare-and-swap on what it was decided on. */
export async function actOnRecord(context: Context, view: View, decision: RecordDecision): Promise<void> {
  const api = context.api();
  if (decision.kind === 'hold-members') return await holdMembers(context, view, decision);
  if (api === null) return;
  switch (decision.kind) {
    case 'create-record': {
      const { record } = decision;
      const clusterUID = record.clusterUID === '' ? randomUUID() : record.clusterUID;
      // One that cannot be read is written over: there it is made anew by a swap.
      const { unreadable } = view.record;
      const base = unreadable === null ? null : { record, resourceVersion: unreadable };
      await write(context, api, base, { ...record, clusterUID });
      return;
    }
    case 'swap-record': {
      const swapped = await write(context, api, view.record.current, decision.record);
      if (!swapped) return;
      if (decision.change === 'restart')
        context.hold.beginTerm(context.hold.renewedAt ?? view.now, 'restart');
      // What it held before is over, and this claim must be renewed for as long as the restore takes.
      if (decision.change === 'recover' || (decision.change === 'bootstrap' && decision.record.recovery)) {
        context.hold.beginTerm(context.hold.renewedAt ?? view.now, 'recovery in place');
        return;
      }
      if (decision.change !== 'self-bump') return;
      context.hold.cause = 'abandoned takeover';
      if (decision.record.primary !== null)
        await writeFloor(context, view, decision.record, decision.record.primary);
      return;
    }
    case 'begin-first-epoch': {
      const { current } = view.record;
      const { identity, systemIdentifier, inherited, timeline } = view.local;
      if (current === null || identity === null) return;
      const data = inherited === null ? FRESH_DATA : { epoch: inherited, timeline };
      const next = beginFirstEpoch(current.record, identity, view.hold.holder, systemIdentifier, data);
      await context.instance.writeClusterUID(next.clusterUID, next.generation);
      if (await write(context, api, current, next)) context.hold.stoppedAt = null;
      return;
    }
    case 'settle': {
      // One lock with promises: both are carried out by this loop, one after the other, and the promise was looked
      // at in the view that this was decided on.
      if (await write(context, api, view.record.current, decision.record)) {
        context.log.info(
          { event: 'epoch.settled', epoch: decision.record.epoch, cohort: decision.record.settled.cohort },
          `Epoch ${decision.record.epoch} is settled`,
        );
      }
      return;
    }
    case 'announce-end':
      if (await write(context, api, view.record.current, decision.record)) {
        const target = decision.record.ending?.target;
        if (target !== undefined) context.peers.nudge(memberOf(target));
      }
      return;
    case 'release':
      if (await write(context, api, view.record.current, decision.record)) {
        context.hold.releasedAt = context.clock.now();
        context.peers.nudge();
      }
      return;
    case 'win':
      return await win(context, view, api, decision);
  }
}

async function win(
  context: Context,
  view: View,
  api: ApiParts,
  decision: Extract<RecordDecision, { kind: 'win' }>,
): Promise<void> {
  const { record } = decision;
  if (view.local.promise > record.epoch) return;
  // Its own promise: from here on it takes part in no lower epoch, whatever becomes of the swap.
  if (view.local.promise < record.epoch) await context.instance.writePromise(record.epoch);
  const base =
    decision.resourceVersion === null ? null : { record, resourceVersion: decision.resourceVersion };
  const sentAt = context.clock.now();
  const won = await write(context, api, base, record);
  if (!won) {
    context.recruitment = null;
    context.failedRecruitAt = context.clock.now();
    return;
  }
  context.hold.beginTerm(sentAt, causeOf(decision, view));
  context.wishes.fulfilled();
  context.log.info(
    { event: 'takeover.won', epoch: record.epoch, timeline: record.timeline, proof: decision.proof },
    `Won epoch ${record.epoch}: ${decision.reason}`,
  );
}

/** Why an epoch was won, in a word: for the history. */
function causeOf(decision: Extract<RecordDecision, { kind: 'win' }>, view: View): string {
  switch (decision.proof) {
    case 'handed-over':
      return view.record.current?.record.ending?.cause ?? 'switchover';
    case 'own':
      return 'restart';
    case 'person':
      return 'failover with accepted data loss';
    case 'promises':
    case 'expired':
      return 'failover';
  }
}

/**
 * One compare-and-swap. After anything but a success the record is read: an unknown outcome may have been a
 * success, which the holder and the epoch tell.
 */
async function write(
  context: Context,
  api: ApiParts,
  base: VersionedRecord | null,
  next: ClusterRecord,
): Promise<boolean> {
  const result: SwapResult =
    base === null
      ? await api.writer.create(next, millis(SWAP))
      : await api.writer.swapFrom(base, next, millis(SWAP));
  if (result.outcome === 'swapped') {
    context.tracker.onReachable(true);
    context.tracker.onSwapped(result.current);
    if (next.holder === context.hold.holder) context.hold.renewedAt = result.sentAt;
    return true;
  }
  if (result.outcome === 'unknown') {
    context.hold.unknownSwap = base?.resourceVersion ?? null;
    context.log.warn(
      { event: 'record.swap.unknown', err: result.error },
      `The outcome of a swap is unknown: ${result.error.message}`,
    );
  }
  const read = await api.writer.read(millis(LOOK));
  context.tracker.onRead(read);
  context.tracker.onReachable(read.outcome !== 'unknown');
  if (read.outcome !== 'found' || result.outcome !== 'unknown') return false;
  return saysTheSame(read.current.record, next);
}

/**
 * A swap of unknown outcome may still arrive while the version that it names is the present one. What it publishes must
 * not come true after Postgres was told something else, so the version is moved on first. False: that failed.
 */
export async function settleUnknownSwap(context: Context, view: View): Promise<boolean> {
  const { current } = view.record;
  const { unknownSwap, holder } = context.hold;
  const api = context.api();
  if (current === null || unknownSwap === null || current.resourceVersion !== unknownSwap) return true;
  if (api === null || current.record.holder !== holder) return false;
  return await write(context, api, current, current.record);
}

/** Whether a record is the one that a swap of unknown outcome was to write. Renewals since may have moved the rest. */
function saysTheSame(a: ClusterRecord, b: ClusterRecord): boolean {
  return (
    a.epoch === b.epoch &&
    a.holder === b.holder &&
    a.primary === b.primary &&
    a.clusterUID === b.clusterUID &&
    a.systemIdentifier === b.systemIdentifier &&
    a.settled.epoch === b.settled.epoch &&
    a.settled.acks === b.settled.acks &&
    a.settled.cohort.join() === b.settled.cohort.join() &&
    a.ending?.target === b.ending?.target &&
    a.generation === b.generation &&
    a.recovery?.id === b.recovery?.id &&
    a.recovery?.state === b.recovery?.state
  );
}

/** Every eligible member's word, counted on this clock from before it was asked. One that does not answer: no hold. */
async function holdMembers(
  context: Context,
  view: View,
  decision: Extract<RecordDecision, { kind: 'hold-members' }>,
): Promise<void> {
  const record = view.record.lastValid;
  const { identity } = view.local;
  if (record === null || identity === null) return;
  const askedAt = context.clock.now();
  const answers = await Promise.all(
    record.settled.cohort.map(async (eligible) => {
      const result = await context.peers
        .client(memberOf(eligible))
        ?.hold(
          { primary: identity, epoch: record.epoch, duration: decision.duration },
          view.settings.recruitTimeout,
        );
      return result?.outcome === 'answered' && result.value.granted && result.value.identity === eligible;
    }),
  );
  if (!answers.every(Boolean)) {
    context.log.warn(
      { event: 'hold.refused', epoch: record.epoch },
      'Not every eligible member promised to wait',
    );
    return;
  }
  context.hold.heldUntil = instant(askedAt + decision.duration * (1 - view.settings.drift));
}
