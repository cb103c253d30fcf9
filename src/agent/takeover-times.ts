import type { Decision } from '../ha/decision.ts';
import { elapsed, type Instant } from '../ha/units.ts';
import type { View } from '../ha/view.ts';
import type { Metrics } from '../http/metrics.ts';
import type { TakeoverPhase } from '../http/metrics-work.ts';

/** Where the time of a takeover goes: from one decision to the next, until the door is open. */
export class TakeoverTimes {
  #ended: Partial<Record<TakeoverPhase | 'begun', Instant>> = {};

  decided(decision: Decision, view: View, metrics: Metrics | null): void {
    const { now } = view;
    const ended = (phase: TakeoverPhase, since: Instant | undefined): void => {
      if (since !== undefined) metrics?.takeoverPhase(phase, elapsed(since, now));
      this.#ended[phase] = now;
    };
    switch (decision.kind) {
      case 'recruit':
        this.#ended = { begun: now };
        if (view.suspectedSince !== null) metrics?.takeoverPhase('detect', elapsed(view.suspectedSince, now));
        return;
      case 'win':
        this.#ended.begun ??= now;
        ended('recruit', this.#ended.begun);
        return;
      case 'promote':
        ended('win', this.#ended.recruit);
        return;
      case 'write-epoch-row':
        ended('promote', this.#ended.win);
        return;
      case 'settle':
        ended('epoch_row', this.#ended.promote);
        return;
      case 'mark-settled':
        ended('settle', this.#ended.epoch_row);
        return;
      default:
        return;
    }
  }

  /** Clients are let in: a takeover that was under way has ended. */
  opened(now: Instant, metrics: Metrics | null): void {
    const { begun, settle } = this.#ended;
    if (begun === undefined) return;
    metrics?.takeoverPhase('open', elapsed(settle ?? begun, now));
    metrics?.takeoverEnded('won', 'takeover', elapsed(begun, now));
    this.#ended = {};
  }
}
