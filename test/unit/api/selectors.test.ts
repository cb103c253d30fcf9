import { expect, test } from 'vitest';
import { lease } from '../../../src/demo/api/kinds/lease.ts';
import type { ApiObject } from '../../../src/demo/api/objects.ts';
import { parseFieldSelector } from '../../../src/demo/api/select/field-selector.ts';
import { parseLabelSelector } from '../../../src/demo/api/select/label-selector.ts';

test.each([
  ['', true],
  ['  ', true],
  ['a=1', true],
  ['a = 1 , b != 2', true],
  ['a in (1,2),c notin (3)', true],
  ['!c,a', true],
  ['a in ()', false],
  ['b=', true],
  ['a>0,a<2', true],
  ['constructor', false],
])('the labels a=1, b= match %j: %s', (selector, matches) => {
  expect(parseLabelSelector(selector)({ a: '1', b: '' })).toBe(matches);
});

test('a field selector knows escapes and operators', () => {
  const object: ApiObject = { kind: 'Lease', apiVersion: 'v1', metadata: { name: 'a=b', namespace: 'n' } };
  expect(parseFieldSelector('metadata.name=a\\=b,metadata.namespace!=m', lease)(object)).toBe(true);
  expect(parseFieldSelector('metadata.name==other', lease)(object)).toBe(false);
  expect(() => parseFieldSelector('toString=x', lease)).toThrow('is not a known field selector');
});
