import { expect, test } from 'vitest';
import { holderDeadline, isExpired, isOverdue, isReleased } from '../../../src/ha/lease.ts';
import { millis } from '../../../src/ha/units.ts';
import { ago, NOW, record, SETTINGS, standbyView } from './views.ts';

const seen = (ms: number | null) => ({
  ...standbyView().record,
  changedAt: ms === null ? null : ago(ms),
});

test('a holder counts from when its update was sent, less the drift and the time to stop', () => {
  expect(holderDeadline(NOW, record(), SETTINGS)).toBe(NOW + 10_000 * 0.99 - 2_000);
});

test('a holder whose settings became longer counts by what challengers read', () => {
  const settings = { ...SETTINGS, leaseDuration: millis(60_000) };
  expect(holderDeadline(NOW, record({ leaseDuration: millis(10_000) }), settings)).toBe(NOW + 9_900 - 2_000);
});

test('a challenger waits a whole duration from the last change that it saw itself', () => {
  expect(isExpired(record(), seen(9_999), NOW)).toBe(false);
  expect(isExpired(record(), seen(10_000), NOW)).toBe(true);
  expect(isExpired(record(), seen(null), NOW)).toBe(false);
});

test('the holder is always done before any challenger begins', () => {
  // Worst case: the challenger sees the change in the instant in which the update was sent, and its clock is fast.
  const stopped = holderDeadline(NOW, record(), SETTINGS) + SETTINGS.stopTimeout;
  expect(stopped).toBeLessThanOrEqual(NOW + record().leaseDuration * (1 - SETTINGS.drift));
});

test('a Lease is overdue after two missed renewals', () => {
  expect(isOverdue(seen(5_999), SETTINGS, NOW)).toBe(false);
  expect(isOverdue(seen(6_000), SETTINGS, NOW)).toBe(true);
});

test('a Lease without a holder is released', () => {
  expect(isReleased(record())).toBe(false);
  expect(isReleased(record({ holder: '' }))).toBe(true);
});
