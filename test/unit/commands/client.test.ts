import { expect, test } from 'vitest';
import { ClusterClient } from '../../../src/commands/client/cluster-client.ts';
import { BadAnswerError } from '../../../src/commands/client/errors.ts';
import { RefusedError, UnreachableError } from '../../../src/commands/errors.ts';
import { aCluster, aMember, SpeakingAgent } from './speaking-agent.ts';

const gone = { kind: 'socket', path: '/nonexistent/agent.sock' } as const;
const accepting = () => ({ status: 202, body: { message: 'recorded' } });

test('a read is answered by the next agent when the first is gone', async () => {
  await using agent = await SpeakingAgent.onSocket(() => ({ status: 200, body: aCluster() }));
  const client = new ClusterClient([gone, { kind: 'socket', path: agent.socket }]);
  expect((await client.cluster()).primary).toBe('pg-0');
});

test('a read falls over to members that an earlier answer named, without the token', async () => {
  await using second = await SpeakingAgent.onPort(() => ({ status: 200, body: aCluster({ epoch: 2 }) }));
  const first = await SpeakingAgent.onPort(() => ({
    status: 200,
    body: aCluster({ members: [aMember('pg-1', { http: second.url })] }),
  }));
  const client = new ClusterClient([{ kind: 'url', url: new URL(first.url), token: 'secret', ca: null }]);
  await client.cluster();
  await first[Symbol.asyncDispose]();
  expect((await client.cluster()).epoch).toBe(2);
  expect(first.received[0]?.authorization).toBe('Bearer secret');
  expect(second.received[0]?.authorization).toBeUndefined();
});

test('nobody answering names every place that was tried', async () => {
  const client = new ClusterClient([gone]);
  await expect(client.status()).rejects.toThrow(UnreachableError);
  await expect(client.status()).rejects.toThrow(/nonexistent\/agent\.sock \(no such socket\)/);
});

test('a refusal is told with the code, message and remedy of the agent', async () => {
  const refusal = { code: 'NO_STANDBY', message: 'no standby streams', remedy: 'wait for one' };
  await using agent = await SpeakingAgent.onSocket(() => ({ status: 412, body: { error: refusal } }));
  const client = new ClusterClient([{ kind: 'socket', path: agent.socket }]);
  const error = await client.change({ method: 'POST', path: '/v1/switchover', body: {} }).catch((e) => e);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ ...refusal, exitCode: 4 });
});

test('a change passes an agent over that is gone', async () => {
  await using agent = await SpeakingAgent.onSocket(accepting);
  const client = new ClusterClient([gone, { kind: 'socket', path: agent.socket }]);
  expect(await client.change({ method: 'PUT', path: '/v1/paused' })).toBe('recorded');
});

test('a change is not sent twice when the answer is lost', async () => {
  await using first = await SpeakingAgent.onSocket(() => 'hang up');
  await using second = await SpeakingAgent.onSocket(accepting);
  const client = new ClusterClient([
    { kind: 'socket', path: first.socket },
    { kind: 'socket', path: second.socket },
  ]);
  await expect(client.change({ method: 'PUT', path: '/v1/paused' })).rejects.toThrow(UnreachableError);
  expect(second.received).toEqual([]);
});

test('what is no agent is told apart from a refusal', async () => {
  await using page = await SpeakingAgent.onPort(() => 'not json');
  const client = new ClusterClient([{ kind: 'url', url: new URL(page.url), token: null, ca: null }]);
  await expect(client.status()).rejects.toThrow(BadAnswerError);
});
