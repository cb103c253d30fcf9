import { decide } from '../ha/decide.ts';
import type { Decision } from '../ha/decision.ts';
import { type MemberName, memberOf } from '../ha/member.ts';
import { guardDeadline } from '../ha/permission.ts';
import { mayRenew, renewalInterval } from '../ha/renewal.ts';
import { suspect } from '../ha/suspicion.ts';
import { renewed } from '../ha/transitions.ts';
import { elapsed, type Instant, instant, type Millis, millis } from '../ha/units.ts';
import type { Task, View } from '../ha/view.ts';
import { Wakeup } from '../kubernetes/wakeup.ts';
import { act } from './act.ts';
import type { Context } from './context.ts';
import { DecisionLog } from './decision-log.ts';
import type { Observer } from './observe.ts';
import { answerPromise } from './promises.ts';
import { Pulse } from './pulse.ts';

/** Pauses between rounds in milliseconds, where nothing wakes the loop. */
const PACE = {
  handover: 15,
  busy: 20,
  suspicious: 100,
  idle: 1_000,
  idlePrimary: 500,
  repeated: 200,
} as const;

/** While one runs, each look would only take the CPU from it. */
const WORKS_OF_OFFICE: readonly Task['kind'][] = ['promote', 'epoch-row', 'stop'];

/** For how long (milliseconds) after the record changed a planned end is looked at as often as can be. */
const HANDOVER = 6_000;

/** For how long (milliseconds) the winner of an epoch is asked as often as can be. */
const NEW_EPOCH = 1_000;

type Exit = Extract<Decision, { kind: 'exit' }>;

/** What the loop tells of each round. */
export interface RoundObserver {
  onView(view: View): void;
  onDecision(decision: Decision, view: View): void;
  onRound(duration: Millis): void;
}

/** Sees to it that the guard knows the deadline. */
export interface DeadlineKeeper {
  setDeadline(deadline: Instant | null): void;
}

/** Observe, decide, act; again and again, woken by events. Every change of this member's state is made here. */
export class Loop {
  readonly #context: Context;
  readonly #observer: Observer;
  readonly #guard: DeadlineKeeper;
  readonly #report: RoundObserver;
  readonly #decisions: DecisionLog;
  readonly #pulse: Pulse;
  readonly #wakeup = new Wakeup();
  #doubtAgainAt: Instant = instant(0);
  #lastView: View | null = null;

  constructor(context: Context, observer: Observer, guard: DeadlineKeeper, report: RoundObserver) {
    this.#context = context;
    this.#observer = observer;
    this.#guard = guard;
    this.#report = report;
    this.#decisions = new DecisionLog(context.log);
    this.#pulse = new Pulse(context, guard);
  }

  wake(): void {
    this.#wakeup.wake();
  }

  /** Beside `run`: sees to a primary whose round does not end. Rejects where a look fails for no known reason. */
  async pulse(signal: AbortSignal): Promise<void> {
    await this.#pulse.run(this, signal);
  }

  get view(): View | null {
    return this.#lastView;
  }

  get doing(): string {
    return this.#decisions.last ?? 'the first look';
  }

  /** Runs until a decision says `exit`, which it resolves with, or `signal` aborts: null. */
  async run(signal: AbortSignal): Promise<Exit | null> {
    while (!signal.aborted) {
      const begun = this.#context.clock.now();
      this.#pulse.roundBegins();
      const pause = await this.#round();
      this.#pulse.roundEnds();
      this.#report.onRound(millis(this.#context.clock.now() - begun));
      if (typeof pause !== 'number') return pause;
      await this.#wakeup.sleep(pause, signal);
    }
    return null;
  }

  /** One round: the pause before the next, or the end. */
  async #round(): Promise<Millis | Exit> {
    const context = this.#context;
    const view = await this.look();
    const asked = context.promises.next();
    if (asked !== null) {
      if (await answerPromise(context, view, asked)) return millis(0);
      if (context.promises.waiting) return millis(0);
    }
    if (context.tracker.inDoubt && context.api() !== null && view.now >= this.#doubtAgainAt) {
      await act(context, view, { kind: 'look', reason: 'a watch contradicts what is known' });
      this.#doubtAgainAt = instant(context.clock.now() + PACE.idle);
      // That took time, so the view is old whatever came of it. Where the API does not answer, what is known has to do
      // in the next round: nothing below rests on a watch alone.
      return millis(0);
    }
    const decision = decide(view);
    this.#report.onDecision(decision, view);
    this.#decisions.tell(decision, view.now);
    if (decision.kind === 'exit') return decision;
    try {
      await act(context, view, decision);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      context.log.error(
        { event: 'act.failed', decision: decision.kind, reason: decision.reason, err: error },
        `${decision.kind} failed: ${message}`,
      );
      return millis(PACE.repeated);
    }
    return this.#pause(view, decision);
  }

  /** One look; what follows from it whatever is decided. */
  async look(): Promise<View> {
    const context = this.#context;
    const view = await this.#observer.observe();
    this.#lastView = view;
    if (!this.#pulse.isStuck) {
      this.#guard.setDeadline(guardDeadline(view));
      this.#renew(view);
    }
    const record = view.record.current?.record ?? null;
    context.peers.attend(record?.primary ? memberOf(record.primary) : null, isUneasy(view), awaited(view));
    if (record !== null && record.ending !== null && view.local.state === 'standby') this.#expectSwitch();
    this.#report.onView(view);
    return view;
  }

  /** Permits or revokes renewals: they run on the keeper's own timer and connection. */
  #renew(view: View): void {
    const { keeper } = this.#context.api() ?? {};
    if (keeper === undefined) return;
    const record = view.record.current?.record ?? null;
    if (record === null || !mayRenew(view, record)) {
      if (keeper.isPermitted) keeper.revoke();
      return;
    }
    const flushLsn = view.local.server?.flushLsn ?? record.flushLsn;
    const { holder } = view.hold;
    keeper.permit({
      holder,
      epoch: record.epoch,
      interval: renewalInterval(view, record),
      refresh: (current) => renewed(current, holder, flushLsn),
    });
  }

  /** Beside everything else: where it fails, the segment is made as any other. */
  #expectSwitch(): void {
    const { instance, log } = this.#context;
    instance.expectSwitch().catch((error: unknown) => {
      log.warn(
        { event: 'settings_not_written', err: error },
        'the new segment of a planned end is not hurried',
      );
    });
  }

  #pause(view: View, decision: Decision): Millis {
    if (decision.kind !== 'wait' && decision.kind !== 'problem') {
      return millis(this.#decisions.repeats > 3 ? PACE.repeated : 0);
    }
    if (isHandingOver(view)) return millis(PACE.handover);
    if (isBusy(view)) return millis(PACE.busy);
    if (isUneasy(view)) return millis(PACE.suspicious);
    if (view.local.state === 'primary') return millis(PACE.idlePrimary);
    // What a standby tells of whom it hears is as old as its last look.
    return millis(Math.min(PACE.idle, view.settings.suspectAfter));
  }
}

/** A planned end: the old primary stops, and its target must be seen to have everything; nobody serves meanwhile. */
function isHandingOver(view: View): boolean {
  const record = view.record.current?.record ?? null;
  if (record === null || record.ending === null) return false;
  if (elapsed(view.record.changedAt, view.now) > HANDOVER) return false;
  const { identity, state } = view.local;
  if (record.primary === identity) return state === 'stopping' || state === 'stopped';
  return record.ending.target === identity && state === 'standby';
}

/** Whose next answer the change of office waits for: the target of this member's planned end; a fresh winner's history. */
function awaited(view: View): MemberName | null {
  const record = view.record.current?.record ?? null;
  if (record === null || record.primary === null) return null;
  const { identity, server } = view.local;
  if (record.primary === identity)
    return record.ending !== null && isHandingOver(view) ? memberOf(record.ending.target) : null;
  const isNew = elapsed(view.record.epochSeenAt, view.now) < NEW_EPOCH && record.settled.epoch < record.epoch;
  return isNew && server?.follows !== record.primary ? memberOf(record.primary) : null;
}

/** Something is under way whose end is seen by looking. A task is not: its end wakes the loop. */
function isBusy(view: View): boolean {
  if (view.tasks.some((task) => task.outcome === 'running' && WORKS_OF_OFFICE.includes(task.kind)))
    return false;
  const record = view.record.current?.record;
  if (view.recruitment !== null || view.local.state === 'promoting') return true;
  return view.local.state === 'primary' && record !== undefined && record.settled.epoch < record.epoch;
}

/** The primary is not heard, or this member is on its way somewhere. */
function isUneasy(view: View): boolean {
  const record = view.record.current?.record ?? null;
  if (record === null) return true;
  if (view.local.state === 'primary') return false;
  if (view.local.state !== 'standby') return true;
  const { server } = view.local;
  if (server === null || record.ending !== null) return true;
  if (record.primary !== view.local.identity && suspect(view, record).suspected) return true;
  return server.receiver?.streaming !== true;
}
