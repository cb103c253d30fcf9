import { expect, test } from 'vitest';
import { jsonPatch } from '../../../src/demo/api/patch/json-patch.ts';
import { mergePatch } from '../../../src/demo/api/patch/merge-patch.ts';
import { strategicMergePatch } from '../../../src/demo/api/patch/strategic-merge-patch.ts';

// RFC 7396, appendix A.
test.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('merging %j with %j gives %j', (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected);
});

test('a JSON patch leaves its target as it was', () => {
  const target = { a: { b: [1, 2, 3] } };
  const result = jsonPatch(target, [
    { op: 'add', path: '/a/b/1', value: 9 },
    { op: 'move', from: '/a/b/0', path: '/a/c' },
  ]);
  expect(result).toEqual({ a: { b: [9, 2, 3], c: 1 } });
  expect(target).toEqual({ a: { b: [1, 2, 3] } });
});

test('pointers are unescaped', () => {
  expect(jsonPatch({ 'a/b': { 'c~d': 1 } }, [{ op: 'remove', path: '/a~1b/c~0d' }])).toEqual({ 'a/b': {} });
});

const finalizers = (target: string[], patch: string[]): unknown =>
  strategicMergePatch({ metadata: { finalizers: target } }, { metadata: { finalizers: patch } }).metadata;

test('lists are merged in the order of the real server', () => {
  expect(finalizers(['a', 'b', 'd'], ['c', 'b', 'e', 'a'])).toEqual({
    finalizers: ['c', 'b', 'e', 'a', 'd'],
  });
  expect(finalizers(['x'], ['y'])).toEqual({ finalizers: ['y', 'x'] });
  expect(finalizers(['a', 'b'], ['b'])).toEqual({ finalizers: ['a', 'b'] });
});

test('an item of a keyed list is merged, removed or added', () => {
  const spec = { containers: [{ name: 'a', image: '1', tty: true }, { name: 'b' }] };
  const patch = { containers: [{ name: 'a', image: '2' }, { name: 'b', $patch: 'delete' }, { name: 'c' }] };
  const result = strategicMergePatch({ spec }, { spec: patch });
  expect(result.spec).toEqual({ containers: [{ name: 'a', image: '2', tty: true }, { name: 'c' }] });
});

test('directives that are not known are refused, not misread', () => {
  expect(() => strategicMergePatch({}, { '$setElementOrder/finalizers': ['a'] })).toThrow('not supported');
  expect(() => strategicMergePatch({}, { $patch: 'swap' })).toThrow('invalid patch type: swap');
});
