import { describe, expect, test } from 'vitest';
import { decide } from '../../../src/ha/decide.ts';
import { type FlushTrace, flushStalledSince, traceFlush } from '../../../src/ha/hung.ts';
import { instant } from '../../../src/ha/units.ts';
import { ago, lsn, primaryView } from './views.ts';

/** Looks at [time, flush LSN, sessions that wait for the flush]; since when it stands still at the end. */
const stalled = (...looks: readonly (readonly [at: number, flushed: number, waiting: number])[]) => {
  let trace: FlushTrace | null = null;
  for (const [at, flushed, waiting] of looks) {
    trace = traceFlush(trace, { at: instant(at), flushLsn: lsn(flushed), waiting });
  }
  return flushStalledSince(trace, instant(looks.at(-1)?.[0] ?? 0));
};

describe('the flush of WAL stands still', () => {
  test('where at each look commits wait for it and the flush LSN is the same', () => {
    expect(stalled([0, 100, 0], [1_000, 100, 2], [4_000, 100, 5], [7_001, 100, 5])).toBe(1_000);
  });
  test('not while it moves, however slowly', () => {
    expect(stalled([0, 100, 2], [4_000, 101, 2], [8_000, 102, 2], [12_000, 103, 2])).toBeNull();
  });
  test('not while nobody waits for it: an idle server flushes nothing', () => {
    expect(stalled([0, 100, 0], [60_000, 100, 0])).toBeNull();
    expect(stalled([0, 100, 1], [5_000, 100, 0], [10_000, 100, 1])).toBeNull();
  });
  test('not for as long as a disk may be slow for a moment', () => {
    expect(stalled([0, 100, 1], [6_000, 100, 1])).toBeNull();
    expect(stalled([0, 100, 1], [6_001, 100, 1])).toBe(0);
  });
});

describe('a primary that makes no progress', () => {
  test('ends itself after a while, also where it still answers', () => {
    const silent = (ms: number) => decide(primaryView({ local: { silentSince: ago(ms) } }));
    expect(silent(9_999).kind).toBe('wait');
    expect(silent(10_000)).toMatchObject({ kind: 'stop', demotion: true });
  });
  test('never ends itself because commits wait for the quorum', () => {
    const waiting = { commitsWaiting: 500, walsenders: [] };
    for (const renewedAt of [ago(500), ago(600_000)]) {
      expect(decide(primaryView({ server: waiting, hold: { renewedAt } })).kind).not.toBe('stop');
    }
  });
});
