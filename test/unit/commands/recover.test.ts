import { expect, test } from 'vitest';
import { main } from '../../../src/commands/main.ts';
import type { ClusterStatus } from '../../../src/http/ports.ts';
import { captureOutput } from './captured-output.ts';
import { aCluster, SpeakingAgent } from './speaking-agent.ts';

const output = captureOutput();

const withRecovery = (state: string, over: Record<string, unknown> = {}): ClusterStatus =>
  aCluster({
    recovery: {
      id: '0badcafe',
      state,
      target: 'the time T',
      backup: 'base_1',
      by: 'pg-0',
      at: '2030-01-31T03:00:00.000Z',
      done: [],
    },
    ...over,
  });

/** An agent that tells one cluster after the other once the change is recorded, and then the last one. */
async function clusterThatTells(before: ClusterStatus, after: readonly ClusterStatus[]) {
  const left = [...after];
  let told = before;
  let isChanged = false;
  return await SpeakingAgent.onSocket(({ call }) => {
    if (call === 'GET /v1/cluster') {
      if (isChanged) told = left.shift() ?? told;
      return { status: 200, body: told };
    }
    isChanged = true;
    return { status: 202, body: { message: 'recorded' } };
  });
}

test('an agent that has not heard of the recovery yet is not taken for one that was abandoned', async () => {
  const quiet = aCluster();
  await using agent = await clusterThatTells(quiet, [quiet, quiet, withRecovery('serving', { epoch: 2 })]);
  expect(await main(['recover', '--immediate', '--yes', '--socket', agent.socket])).toBe(0);
  expect(output.out).toContain('--confirm');
});

test('a recovery that somebody abandons meanwhile is no success', async () => {
  const told = [withRecovery('stopping'), withRecovery('abandoning')];
  await using agent = await clusterThatTells(aCluster(), told);
  expect(await main(['recover', '--immediate', '--yes', '--socket', agent.socket])).toBe(1);
  expect(output.err).toContain('the recovery was abandoned');
});

test('a recovery that was known and is gone is told as such', async () => {
  const told = [withRecovery('stopping'), aCluster({ epoch: 2, settledEpoch: 2 })];
  await using agent = await clusterThatTells(aCluster(), told);
  expect(await main(['recover', '--immediate', '--yes', '--socket', agent.socket])).toBe(1);
  expect(output.err).toContain('abandoned, or confirmed by somebody else');
});

test('an abandonment has happened once an epoch after it is settled', async () => {
  const before = withRecovery('serving', { epoch: 2, settledEpoch: 2 });
  const stale = aCluster({ epoch: 2, settledEpoch: 2 });
  const told = [stale, withRecovery('abandoning', { epoch: 2 }), aCluster({ epoch: 4, settledEpoch: 4 })];
  await using agent = await clusterThatTells(before, told);
  expect(await main(['recover', '--abandon', '--yes', '--socket', agent.socket])).toBe(0);
  const looks = agent.received.filter(({ call }) => call === 'GET /v1/cluster');
  expect(looks).toHaveLength(4);
});
