import { describe, expect, test } from 'vitest';
import { mayRenew } from '../../../src/ha/renewal.ts';
import { claimBootstrap } from '../../../src/ha/transitions.ts';
import { millis } from '../../../src/ha/units.ts';
import {
  ago,
  emptyView,
  holderOf,
  orphanView,
  primaryView,
  record,
  stoppedView,
  UID,
  wonBy,
} from './views.ts';

describe('the Lease is renewed', () => {
  test('by a primary that holds it, and no other', () => {
    expect(mayRenew(primaryView(), record())).toBe(true);
    expect(mayRenew(primaryView(), record({ holder: holderOf(0, 2) }))).toBe(false);
    expect(mayRenew(primaryView(), wonBy(1))).toBe(false);
    expect(mayRenew(primaryView(), null)).toBe(false);
  });
  test('by a winner until it has promoted', () => {
    expect(mayRenew(orphanView(), wonBy(1))).toBe(true);
    expect(mayRenew(orphanView({ local: { state: 'promoting' } }), wonBy(1))).toBe(true);
  });
  test('while initdb runs under a claim', () => {
    expect(mayRenew(emptyView(0), claimBootstrap(holderOf(0), null, UID, millis(10_000)))).toBe(true);
  });
});

describe('the Lease is not renewed', () => {
  test('once a demotion has begun', () => {
    expect(mayRenew(primaryView({ hold: { renewing: false } }), record())).toBe(false);
  });
  test('by a primary whose Postgres came down, or came back as a standby on the same timeline', () => {
    expect(mayRenew(stoppedView(0, { hold: { stoppedAt: ago(10) } }), record())).toBe(false);
    expect(mayRenew(orphanView({ self: 0 }), record())).toBe(false);
    expect(mayRenew(primaryView({ local: { state: 'stopping' } }), record())).toBe(false);
  });
});
