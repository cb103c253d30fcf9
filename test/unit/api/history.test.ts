import { expect, test } from 'vitest';
import type { Change } from '../../../src/demo/api/store/change.ts';
import { History } from '../../../src/demo/api/store/history.ts';

const change = (revision: number): Change => ({
  revision,
  key: { resource: 'leases', namespace: 'n', name: 'a' },
  type: 'put',
  object: { kind: 'Lease', apiVersion: 'v1', metadata: { name: 'a' } },
  previous: null,
});

test('the changes after a revision are known until they are forgotten', () => {
  const history = new History(10, 5);
  for (let revision = 11; revision < 20; revision += 1) history.add(change(revision));
  expect(history.since(9)).toBeNull();
  expect(history.since(10)).toHaveLength(9);
  expect(history.since(19)).toEqual([]);
  history.add(change(20));
  expect(history.floor).toBe(15);
  expect(history.since(14)).toBeNull();
  expect(history.since(15)?.map(({ revision }) => revision)).toEqual([16, 17, 18, 19, 20]);
});
