import { expect, test } from 'vitest';
import { RoleLabel } from '../../../src/agent/role-label.ts';
import { instant } from '../../../src/ha/units.ts';

test('who was primary leaves its label to the successor for two seconds', () => {
  const label = new RoleLabel();
  expect(label.isKept('primary', instant(0))).toBe(false);
  expect(label.isKept('none', instant(10_000))).toBe(true);
  expect(label.isKept('none', instant(11_999))).toBe(true);
  expect(label.isKept('none', instant(12_000))).toBe(false);
  expect(label.isKept('none', instant(12_001))).toBe(false);
});

test('who became a standby says so at once', () => {
  const label = new RoleLabel();
  label.isKept('primary', instant(0));
  expect(label.isKept('none', instant(10_000))).toBe(true);
  expect(label.isKept('standby', instant(10_100))).toBe(false);
  expect(label.isKept('none', instant(10_200))).toBe(false);
});

test('each loss of the role has its own two seconds', () => {
  const label = new RoleLabel();
  label.isKept('primary', instant(0));
  expect(label.isKept('none', instant(1_000))).toBe(true);
  expect(label.isKept('primary', instant(1_500))).toBe(false);
  expect(label.isKept('none', instant(4_000))).toBe(true);
});
