import { setTimeout as delay } from 'node:timers/promises';
import { type Instant, instant, type Millis } from '../ha/units.ts';

/** Time as the services of this folder see it; injected, so that tests own it. */
export interface Clock {
  /** CLOCK_MONOTONIC in milliseconds. */
  now(): Instant;
  /** Resolves after `duration`, or as soon as `signal` aborts; never rejects. */
  sleep(duration: Millis, signal: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => instant(Number(process.hrtime.bigint()) / 1e6),
  async sleep(duration, signal) {
    if (signal.aborted) return;
    try {
      await delay(Math.max(0, duration), undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};
