import { describe, expect, test } from 'vitest';
import { mustShutDoor } from '../../../src/ha/isolation.ts';
import { isStuck } from '../../../src/ha/stuck.ts';
import { ago, NOW, primaryView, record, settledAs, standbyView, type ViewPatch } from './views.ts';

describe('a primary whose loop does not come back from a round', () => {
  const stuck = (ms: number, patch: ViewPatch = {}) => isStuck(primaryView(patch), ago(ms), NOW);

  test('is stuck after longer than the bounds of all its acts add up to', () => {
    expect(stuck(9_999)).toBe(false);
    expect(stuck(10_000)).toBe(true);
    expect(isStuck(primaryView(), null, NOW)).toBe(false);
  });
  test('is stuck sooner where its Postgres makes no progress either: it is the disk of both', () => {
    const local = { silentSince: ago(10_000) };
    expect(stuck(2_999, { local })).toBe(false);
    expect(stuck(3_000, { local })).toBe(true);
    expect(stuck(3_000, { local: { silentSince: ago(9_000) } })).toBe(false);
  });
  test('is judged by how long Postgres was silent until now, not until the last look', () => {
    const local = { silentSince: ago(9_000) };
    const later = (NOW + 1_000) as typeof NOW;
    expect(isStuck(primaryView({ local }), ago(3_000), later)).toBe(true);
  });
  test('gets as long as a hung Postgres does', () => {
    expect(stuck(29_000, { settings: { hungAfter: 30_000 as never } })).toBe(false);
  });
  test('is no matter on a standby', () => {
    expect(isStuck(standbyView(), ago(60_000), NOW)).toBe(false);
  });
});

describe('the door of a primary whose loop is busy', () => {
  const alone = { hold: { renewedAt: ago(3_000) }, server: { walsenders: [] } };
  const shut = (patch: ViewPatch) => mustShutDoor(primaryView({ ...alone, ...patch }), NOW);

  test('is shut once the permission to let clients in has ended', () => {
    expect(shut({})).toBe(true);
    expect(shut({ hold: { renewedAt: ago(2_999) } })).toBe(false);
    expect(mustShutDoor(primaryView({ hold: { renewedAt: ago(60_000) } }), NOW)).toBe(false);
  });
  test('stays as it is where it is closed, under a pause, without a quorum, and on a standby', () => {
    expect(shut({ server: { walsenders: [], doorOpen: false } })).toBe(false);
    expect(shut({ record: record({ paused: true }) })).toBe(false);
    expect(shut({ record: record({ settled: settledAs({ acks: 0 }) }) })).toBe(false);
    expect(mustShutDoor(standbyView(), NOW)).toBe(false);
  });
});
