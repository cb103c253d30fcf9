import { expect, test } from 'vitest';
import { isTarget, needsListing, targetDatabases } from '../../../../src/agent/sql-metrics/databases.ts';

const EXISTING = ['app', 'shop_de', 'shop_fr', 'shop.x', 'a+b', 'Über'];

test.each([
  [['app'], ['app']],
  [['gone'], ['gone']],
  [['*'], EXISTING],
  [
    ['shop_*', 'app', 'shop_de'],
    ['shop_de', 'shop_fr', 'app'],
  ],
  [['shop_[df][er]'], ['shop_de', 'shop_fr']],
  [['shop_[^d]*'], ['shop_fr']],
  [['?+b'], ['a+b']],
  [['shop\\.?'], ['shop.x']],
  [['nothing_*'], []],
])('%j are %j', (wanted, databases) => {
  expect(targetDatabases(wanted, EXISTING)).toEqual(databases);
});

test('only a pattern needs the list', () => {
  expect(needsListing(['a', 'b'])).toBe(false);
  expect(needsListing(['a', 'b?'])).toBe(true);
});

test('an empty name and a turned range are no targets', () => {
  expect(['', '[z-a]', 'a', '*'].map(isTarget)).toEqual([false, false, true, true]);
});
