import { expect, test } from 'vitest';
import { stageOf } from '../../../src/commands/become-primary.ts';
import { aCluster } from './speaking-agent.ts';

const before = aCluster();

test('a request that is recorded is under way', () => {
  const now = aCluster({ switchover: { target: 'pg-1', at: null, requestedAt: '' } });
  expect(stageOf(before, now, 'pg-1').kind).toBe('under-way');
});

test('the target leads, but its epoch is not settled: under way', () => {
  const now = aCluster({ primary: 'pg-1', epoch: 2 });
  expect(stageOf(before, now, 'pg-1')).toMatchObject({ kind: 'under-way' });
});

test('the target leads a settled epoch: settled', () => {
  const now = aCluster({ primary: 'pg-1', epoch: 2, settledEpoch: 2 });
  expect(stageOf(before, now, 'pg-1')).toEqual({ kind: 'settled', primary: 'pg-1' });
});

test('without a target any other primary will do', () => {
  const now = aCluster({ primary: 'pg-2', epoch: 2, settledEpoch: 2 });
  expect(stageOf(before, now, null)).toEqual({ kind: 'settled', primary: 'pg-2' });
});

test('the old primary took the lease back: at rest, and not what was asked for', () => {
  const now = aCluster({ epoch: 2, settledEpoch: 2 });
  expect(stageOf(before, now, 'pg-1').kind).toBe('at-rest');
  expect(stageOf(before, now, null).kind).toBe('at-rest');
});

test('another than the target leads: at rest, and not what was asked for', () => {
  const now = aCluster({ primary: 'pg-2', epoch: 2, settledEpoch: 2 });
  expect(stageOf(before, now, 'pg-1').kind).toBe('at-rest');
});
