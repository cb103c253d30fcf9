import { expect, test } from 'vitest';
import { main } from '../../../src/commands/main.ts';
import type { ClusterStatus } from '../../../src/http/ports.ts';
import { captureOutput } from './captured-output.ts';
import { aCluster, aMember, type Received, SpeakingAgent } from './speaking-agent.ts';

const output = captureOutput();

/** An agent whose cluster changes as soon as it is told to. */
async function clusterThat(change: (received: Received, before: ClusterStatus) => ClusterStatus) {
  let cluster = aCluster();
  return await SpeakingAgent.onSocket((received) => {
    if (received.call === 'GET /v1/cluster') return { status: 200, body: cluster };
    cluster = change(received, cluster);
    return { status: 202, body: { message: 'recorded' } };
  });
}

test('status prints the table of the agent on the socket', async () => {
  await using agent = await clusterThat((_, before) => before);
  expect(await main(['status', '--socket', agent.socket])).toBe(0);
  expect(output.out).toContain('pg-0');
  expect(output.out).toContain('cluster');
});

test('status -o json prints what the agent said', async () => {
  await using agent = await clusterThat((_, before) => before);
  expect(await main(['status', '-o', 'json', '--socket', agent.socket])).toBe(0);
  expect(JSON.parse(output.out)).toEqual(aCluster());
});

test('status -o yaml prints YAML', async () => {
  await using agent = await clusterThat((_, before) => before);
  expect(await main(['status', '-o', 'yaml', '--socket', agent.socket])).toBe(0);
  expect(output.out).toContain('primary: pg-0\n');
});

test('switchover exits with 0 once the target is primary and settled', async () => {
  await using agent = await clusterThat(() => aCluster({ primary: 'pg-1', epoch: 2, settledEpoch: 2 }));
  const argv = ['switchover', '--target', 'pg-1', '--socket', agent.socket, '-o', 'json'];
  expect(await main(argv)).toBe(0);
  expect(JSON.parse(output.out)).toMatchObject({ primary: 'pg-1', epoch: 2, from: 'pg-0' });
  expect(agent.received.map(({ call }) => call)).toContain('POST /v1/switchover');
  expect(agent.received.find(({ call }) => call === 'POST /v1/switchover')?.body).toEqual({
    target: 'pg-1',
    at: null,
  });
});

test('switchover exits with 1 when it does not happen in time', async () => {
  await using agent = await clusterThat((_, before) => before);
  const argv = ['switchover', '--target', 'pg-1', '--timeout', '0.5', '--socket', agent.socket];
  expect(await main(argv)).toBe(1);
  expect(output.err).toContain('did not happen within 0.5 s');
  expect(output.err).toContain('remedy:');
});

test('switchover to an unknown member is a usage error that names the members, and asks nothing', async () => {
  await using agent = await clusterThat((_, before) => before);
  expect(await main(['switchover', '--target', 'pg-7', '--socket', agent.socket])).toBe(2);
  expect(output.err).toContain('its members are: pg-0, pg-1, pg-2');
  expect(agent.received.map(({ call }) => call)).toEqual(['GET /v1/cluster']);
});

test('a scheduled switchover exits once it is recorded, with the time in UTC', async () => {
  await using agent = await clusterThat((_, before) => before);
  const argv = ['switchover', '--at', '2099-01-31T03:00:00+01:00', '--socket', agent.socket];
  expect(await main(argv)).toBe(0);
  expect(agent.received.at(-1)?.body).toEqual({ target: null, at: '2099-01-31T02:00:00.000Z' });
});

test.each([['tomorrow'], ['2099-01-31T03:00'], ['2001-01-31T03:00:00Z']])(
  'switchover --at %s is refused before anything is asked',
  async (at) => {
    expect(await main(['switchover', '--at', at, '--socket', '/nonexistent'])).toBe(2);
  },
);

test('a refusal exits with 4, as JSON for those who asked for JSON', async () => {
  const error = { code: 'NO_PROOF', message: 'the proof is missing', remedy: '--accept-data-loss' };
  await using agent = await SpeakingAgent.onSocket((received) =>
    received.call === 'GET /v1/cluster'
      ? { status: 200, body: aCluster() }
      : { status: 412, body: { error } },
  );
  expect(await main(['failover', '--target', 'pg-1', '-o', 'json', '--socket', agent.socket])).toBe(4);
  expect(JSON.parse(output.err)).toEqual({ error: { ...error, causes: [] } });
});

test('fence waits until Postgres is down, unfence until it streams', async () => {
  await using agent = await clusterThat(({ call }) =>
    call.startsWith('PUT')
      ? aCluster({ members: [aMember('pg-1', { fenced: true, state: 'stopped', streaming: false })] })
      : aCluster(),
  );
  expect(await main(['fence', 'pg-1', '--socket', agent.socket])).toBe(0);
  expect(output.out).toContain('fenced: pg-1');
  expect(await main(['unfence', 'pg-1', '--socket', agent.socket])).toBe(0);
  expect(agent.received.map(({ call }) => call)).toEqual(
    expect.arrayContaining(['PUT /v1/fenced/pg-1', 'DELETE /v1/fenced/pg-1']),
  );
});

test('fence needs a member or --all, not both', async () => {
  expect(await main(['fence', '--socket', '/nonexistent'])).toBe(2);
  expect(await main(['fence', 'pg-1', '--all', '--socket', '/nonexistent'])).toBe(2);
});

test('pause and resume wait for the record', async () => {
  await using agent = await clusterThat(({ call }) => aCluster({ paused: call === 'PUT /v1/paused' }));
  expect(await main(['pause', '--socket', agent.socket])).toBe(0);
  expect(await main(['resume', '--socket', agent.socket])).toBe(0);
  expect(output.out).toBe('pg is paused\npg is no longer paused\n');
});

test('reinitialize waits for a new identity that streams', async () => {
  const anew = aMember('pg-2', { identity: 'pg-2-0000000b' as never });
  await using agent = await clusterThat(() => aCluster({ members: [anew] }));
  expect(await main(['reinitialize', 'pg-2', '--socket', agent.socket])).toBe(0);
  expect(output.out).toContain('pg-2-0000000b');
});

test('reinitialize of the primary is refused', async () => {
  await using agent = await clusterThat((_, before) => before);
  expect(await main(['reinitialize', 'pg-0', '--socket', agent.socket])).toBe(2);
  expect(agent.received).toHaveLength(1);
});

test('no agent at the socket exits with 3', async () => {
  expect(await main(['history', '--socket', '/nonexistent'])).toBe(3);
  expect(output.err).toContain('no such socket');
});

test('an unknown command, option or value exits with 2', async () => {
  expect(await main(['statsu'])).toBe(2);
  expect(await main(['status', '--colour'])).toBe(2);
  expect(await main(['status', '-o', 'xml'])).toBe(2);
  expect(await main(['switchover', '--timeout', 'soon'])).toBe(2);
  expect(await main(['demo', '--members', '10'])).toBe(2);
});

test('--help of every command has an example', async () => {
  const commands = [
    'run',
    'demo',
    'status',
    'history',
    'switchover',
    'failover',
    'fence',
    'unfence',
    'pause',
  ];
  const more = ['resume', 'restart', 'reload', 'reinitialize', 'version'];
  for (const command of [...commands, ...more]) {
    output.out = '';
    expect(await main([command, '--help'])).toBe(0);
    expect(output.out, command).toContain('Example:');
  }
});

test('reload goes on where one member does not answer, and says so in the end', async () => {
  await using agent = await SpeakingAgent.onSocket(({ call }) => {
    if (call === 'GET /v1/cluster') return { status: 200, body: aCluster() };
    if (call !== 'POST /v1/members/pg-1/reload') return { status: 202, body: { message: 'nothing changed' } };
    const error = { code: 'MEMBER_SILENT', message: 'pg-1 does not answer', remedy: 'wait' };
    return { status: 504, body: { error } };
  });
  expect(await main(['reload', '--socket', agent.socket])).toBe(1);
  expect(agent.received.map(({ call }) => call)).toEqual([
    'GET /v1/cluster',
    'POST /v1/members/pg-1/reload',
    'POST /v1/members/pg-2/reload',
    'POST /v1/members/pg-0/reload',
  ]);
  for (const told of ['pg-1: pg-1 does not answer', 'pg-2: nothing changed', 'pg-0: nothing changed'])
    expect(output.err).toContain(told);
});

test('--help documents the exit codes', async () => {
  expect(await main(['--help'])).toBe(0);
  expect(output.out).toContain('no agent could be reached');
});
