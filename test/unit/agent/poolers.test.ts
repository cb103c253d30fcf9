import { describe, expect, it } from 'vitest';
import { Poolers } from '../../../src/agent/poolers.ts';
import { instant, type Millis } from '../../../src/ha/units.ts';
import type { Clock } from '../../../src/kubernetes/clock.ts';

/** Time goes on when the test says so. */
class StoppedClock implements Clock {
  time = 0;
  readonly #sleeps: { readonly until: number; readonly wake: () => void }[] = [];
  readonly slept: number[] = [];

  now = () => instant(this.time);

  sleep(duration: Millis, signal: AbortSignal): Promise<void> {
    this.slept.push(duration);
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleeps.push({ until: this.time + duration, wake: resolve });
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise;
  }

  pass(duration: number): void {
    this.time += duration;
    for (const { until, wake } of this.#sleeps) if (until <= this.time) wake();
  }
}

function scene() {
  const clock = new StoppedClock();
  const end = new AbortController();
  return { clock, end, poolers: new Poolers(clock) };
}

async function isPending(work: Promise<void>): Promise<boolean> {
  return (await Promise.race([work.then(() => 'done'), Promise.resolve().then(() => 'pending')])) !== 'done';
}

describe('poolers before a planned end', () => {
  it('are not waited for where there is none', async () => {
    const { clock, end, poolers } = scene();
    await poolers.hold(end.signal);
    expect(clock.slept).toEqual([]);
  });

  it('are told to hold from then on, and waited for until the last one does', async () => {
    const { end, poolers } = scene();
    expect(poolers.heard('a', false)).toBe(false);
    expect(poolers.heard('b', false)).toBe(false);
    const held = poolers.hold(end.signal);
    expect(poolers.heard('a', false)).toBe(true);
    expect(poolers.heard('a', true)).toBe(true);
    expect(await isPending(held)).toBe(true);
    poolers.heard('b', true);
    await held;
  });

  it('are waited for no longer than a second', async () => {
    const { clock, end, poolers } = scene();
    poolers.heard('a', false);
    const held = poolers.hold(end.signal);
    clock.pass(999);
    expect(await isPending(held)).toBe(true);
    clock.pass(1);
    await held;
  });

  it('are not waited for where they were not heard of for more than a second', async () => {
    const { clock, end, poolers } = scene();
    poolers.heard('a', false);
    clock.pass(1_001);
    await poolers.hold(end.signal);
    expect(clock.slept).toEqual([]);
  });

  it('are let go where nothing came of it for five seconds', async () => {
    const { clock, end, poolers } = scene();
    await poolers.hold(end.signal);
    clock.pass(4_999);
    expect(poolers.heard('a', true)).toBe(true);
    clock.pass(1);
    expect(poolers.heard('a', true)).toBe(false);
  });

  it('are let go where the same member lets clients in again', async () => {
    const { end, poolers } = scene();
    await poolers.hold(end.signal);
    poolers.release();
    expect(poolers.heard('a', true)).toBe(false);
  });

  it('are not waited for once the work is cancelled', async () => {
    const { end, poolers } = scene();
    poolers.heard('a', false);
    const held = poolers.hold(end.signal);
    end.abort();
    await held;
  });

  it('are remembered up to a bound, the ones heard of last', async () => {
    const { end, poolers } = scene();
    poolers.heard('first', false);
    for (let i = 0; i < 64; i++) poolers.heard(`p${i}`, true);
    await poolers.hold(end.signal);
  });
});
