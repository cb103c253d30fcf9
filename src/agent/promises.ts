import { epochOfTimeline } from '../ha/history.ts';
import type { Lsn } from '../ha/lsn.ts';
import type { MemberName } from '../ha/member.ts';
import type { PromiseAnswer, PromiseRequest } from '../ha/peer.ts';
import { judgePromise } from '../ha/promise.ts';
import type { Epoch, TimelineId } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { Context } from './context.ts';
import { learnTimelines } from './timelines.ts';

interface Asked {
  readonly request: PromiseRequest;
  readonly signal: AbortSignal;
  readonly answer: (answer: PromiseAnswer) => void;
}

/** Promises that peers ask for, answered by the loop: a promise and a promotion never happen at once. */
export class Promises {
  readonly #onAsked: () => void;
  #asked: Asked[] = [];

  constructor(onAsked: () => void) {
    this.#onAsked = onAsked;
  }

  get waiting(): boolean {
    return this.#asked.length > 0;
  }

  ask(request: PromiseRequest, signal: AbortSignal): Promise<PromiseAnswer> {
    const { promise, resolve } = Promise.withResolvers<PromiseAnswer>();
    this.#asked.push({ request, signal, answer: resolve });
    this.#onAsked();
    return promise;
  }

  /** The next that somebody still waits for. */
  next(): Asked | null {
    for (;;) {
      const asked = this.#asked.shift();
      if (asked === undefined) return null;
      if (!asked.signal.aborted) return asked;
    }
  }
}

/** How long ending the WAL receiver may take, in milliseconds. */
const END_RECEIVER = 2_000;

/**
 * Promises an epoch for this member: the promise is on disk before the WAL receiver ends, and both are done before
 * anybody is told. Rejects where the receiver could not be proven gone.
 */
export async function promiseEpoch(context: Context, view: View, epoch: Epoch): Promise<PromiseAnswer> {
  const { instance } = context;
  await instance.writePromise(epoch);
  const end = await instance.endReceiver(AbortSignal.timeout(END_RECEIVER));
  return granted(view, context.self, epoch, end);
}

function granted(
  view: View,
  self: MemberName,
  epoch: Epoch,
  end: { readonly timeline: TimelineId; readonly flushLsn: Lsn },
): PromiseAnswer {
  const { local, settings } = view;
  const reserved = epochOfTimeline(timelinesOf(view), end.timeline);
  if (local.identity === null || reserved === null) {
    return refused(view, self, `the epoch of its timeline ${end.timeline} is not known`);
  }
  return {
    granted: true,
    identity: local.identity,
    epoch,
    position: { epoch: reserved, lsn: end.flushLsn },
    mayLead: !settings.tags.nofailover && !view.wishes.shutdown,
    priority: settings.tags.priority,
    settledEpoch: local.server?.settledEpoch ?? (0 as Epoch),
  };
}

/**
 * What each timeline was reserved for. A receiver that came back to its primary by itself, or a catch-up, may have
 * brought a timeline that this member never followed: the record tells, or a peer that is on it.
 */
function timelinesOf(view: View): Readonly<Record<number, Epoch>> {
  const { lastValid } = view.record;
  const { clusterUID, timelineEpochs } = view.local;
  const known = lastValid === null ? timelineEpochs : learnTimelines(timelineEpochs, lastValid);
  const told = view.peers.flatMap(({ state }): [number, Epoch][] =>
    state === null || state.position === null || state.clusterUID !== clusterUID
      ? []
      : [[state.timeline, state.position.epoch]],
  );
  return { ...Object.fromEntries(told), ...known };
}

function refused(view: View, self: MemberName, reason: string): PromiseAnswer {
  return { granted: false, member: self, reason, promise: view.local.promise, floor: view.local.floor };
}

/** Answers one request by the present view. True: something changed, and the view is old. */
export async function answerPromise(context: Context, view: View, asked: Asked): Promise<boolean> {
  const { request } = asked;
  const verdict = judgePromise(view, request);
  if (!verdict.grant) {
    context.log.debug(
      {
        event: 'promise.refused',
        epoch: request.epoch,
        candidate: request.candidate,
        reason: verdict.reason,
      },
      `Refused epoch ${request.epoch} to ${request.candidate}: ${verdict.reason}`,
    );
    asked.answer(refused(view, context.self, verdict.reason));
    return false;
  }
  try {
    const answer = await promiseEpoch(context, view, request.epoch);
    context.log.info(
      { event: 'promise.given', epoch: request.epoch, candidate: request.candidate, answer },
      `Promised epoch ${request.epoch} to ${request.candidate}`,
    );
    asked.answer(answer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    context.log.warn(
      { event: 'promise.failed', epoch: request.epoch, err: error },
      `The promise of epoch ${request.epoch} could not be kept: ${reason}`,
    );
    asked.answer(refused(view, context.self, reason));
  }
  return true;
}
