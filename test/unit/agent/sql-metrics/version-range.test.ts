import { expect, test } from 'vitest';
import { serverVersion, versionRange } from '../../../../src/agent/sql-metrics/version-range.ts';

const V15_4 = serverVersion(150_004);

test.each([
  ['>=14.0.0', true],
  ['>= 14', true],
  ['>=15.4', true],
  ['>15.4', false],
  ['>15', false],
  ['<16.0.0', true],
  ['>=13.0.0 <15.0.0', false],
  ['<14 || >=15', true],
  ['15.x', true],
  ['15', true],
  ['=15.4.0', true],
  ['!=15', false],
  ['!15.3', true],
  ['<=15.3', false],
])('15.4 lies in "%s": %s', (range, isIn) => {
  expect(versionRange(range)?.(V15_4)).toBe(isIn);
});

test.each(['', 'newest', '>=', '15 -', '>=a', '>=14 ||'])('"%s" is no range', (range) => {
  expect(versionRange(range)).toBeNull();
});
