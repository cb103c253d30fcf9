import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { underLoad } from './under-load.ts';
import { waitFor } from './wait-for.ts';

describe('the commands on a cluster under load', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('fence keeps a standby down across a restart of its agent, and unfence has it back', () =>
    underLoad(
      cluster,
      { name: 'fence of a standby', longestGapMillis: 5000 },
      async ({ standbys, writer }) => {
        const [victim = ''] = standbys;
        await cluster.pgwarden('fence', victim);
        expect((await cluster.member(victim)).postgresPid).toBeNull();
        const { agentPid } = await cluster.member(victim);
        await cluster.kill(victim, { what: 'agent' });
        await waitFor('another agent', async () => {
          const now = (await cluster.member(victim)).agentPid;
          return now !== null && now !== agentPid && (await cluster.status(victim))?.fenced;
        });
        await writer.waitForWrites(200);
        expect((await cluster.member(victim)).postgresPid).toBeNull();
        await cluster.pgwarden('unfence', victim);
      },
    ));

  test('fence of the primary hands over first', () =>
    underLoad(
      cluster,
      { name: 'fence of the primary', longestGapMillis: 8000 },
      async ({ primary, writer }) => {
        await cluster.pgwarden('fence', primary);
        expect((await cluster.member(primary)).postgresPid).toBeNull();
        expect(await cluster.primary()).not.toBe(primary);
        await writer.waitForWrites(100);
        await cluster.pgwarden('unfence', primary);
      },
    ));

  test('fence --all stops the whole cluster, and unfence --all brings it back with nothing lost', () =>
    underLoad(cluster, { name: 'fence --all', longestGapMillis: 40_000 }, async () => {
      await cluster.pgwarden('fence', '--all');
      for (const name of cluster.names) expect((await cluster.member(name)).postgresPid).toBeNull();
      await cluster.pgwarden('unfence', '--all');
    }));

  test('pause lets an agent be restarted under a Postgres that goes on serving', () =>
    underLoad(
      cluster,
      { name: 'pause, agent restarted', longestGapMillis: 2000 },
      async ({ primary, writer }) => {
        await cluster.pgwarden('pause');
        const before = await cluster.member(primary);
        const names = await cluster.query('show synchronous_standby_names');
        await cluster.kill(primary, { what: 'agent', signal: 'TERM' });
        await waitFor('another agent that leads', async () => {
          const now = await cluster.member(primary);
          return now.agentPid !== before.agentPid && now.role === 'primary';
        });
        await writer.waitForWrites(100);
        expect((await cluster.member(primary)).postgresPid).toBe(before.postgresPid);
        // A change of the settings by the agent that took over: nobody puts names back while the cluster is paused.
        await cluster.pgwarden('reload');
        expect(await cluster.query('show synchronous_standby_names')).toEqual(names);
        await writer.waitForWrites(100);
        await cluster.pgwarden('resume');
      },
    ));

  test('pause keeps the roles when the postmaster is killed', () =>
    underLoad(
      cluster,
      { name: 'pause, postmaster killed', longestGapMillis: 20_000 },
      async ({ primary, writer }) => {
        await cluster.pgwarden('pause');
        await cluster.kill(primary, { what: 'postgres' });
        await writer.waitForWrites(100);
        expect(await cluster.primary()).toBe(primary);
        await cluster.pgwarden('resume');
      },
    ));

  test('reinitialize makes a standby anew, under a new identity', () =>
    underLoad(cluster, { name: 'reinitialize', longestGapMillis: 2000 }, async ({ primary, standbys }) => {
      const [victim = ''] = standbys;
      const before = (await cluster.status(victim))?.identity;
      await cluster.pgwarden('reinitialize', victim, '--yes');
      expect((await cluster.status(victim))?.identity).not.toBe(before);
      const refused = await cluster.tryPgwarden('reinitialize', primary, '--yes');
      expect(refused.exitCode).not.toBe(0);
    }));

  test('restart restarts the Postgres of every member and leaves one primary', () =>
    underLoad(cluster, { name: 'restart', longestGapMillis: 15_000 }, async () => {
      const before = await cluster.describe();
      await cluster.pgwarden('restart');
      const after = await cluster.describe();
      for (const [index, { postgresPid }] of after.members.entries()) {
        expect(postgresPid).not.toBe(before.members[index]?.postgresPid);
      }
    }));

  test('reload says that nothing changed', async () => {
    const { exitCode } = await cluster.pgwarden('reload');
    expect(exitCode).toBe(0);
    await cluster.waitUntilComplete();
  });

  test('switchover --at is recorded, happens at its time, and can be cancelled before', () =>
    underLoad(cluster, { name: 'switchover --at', longestGapMillis: 5000 }, async ({ primary, standbys }) => {
      const [target = ''] = standbys;
      const hour = new Date(Date.now() + 3_600_000).toISOString();
      await cluster.pgwarden('switchover', '--target', target, '--at', hour);
      expect((await cluster.cluster(primary)).switchover).toMatchObject({ target });
      await cluster.pgwarden('switchover', '--cancel');
      await waitFor(
        'the request to be gone',
        async () => (await cluster.cluster(primary)).switchover === null,
      );
      const soon = new Date(Date.now() + 3000).toISOString();
      await cluster.pgwarden('switchover', '--target', target, '--at', soon);
      expect(await cluster.primary()).toBe(primary);
      await waitFor('the target to lead', async () => (await cluster.primary()) === target);
    }));

  test('switchover to a member that is not there is refused, and to the primary changes nothing', async () => {
    const primary = await cluster.primary();
    const { epoch } = await cluster.cluster(primary);
    const refused = await cluster.tryPgwarden('switchover', '--target', 'pg-9');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('pg-9');
    await cluster.pgwarden('switchover', '--target', primary);
    expect(await cluster.primary()).toBe(primary);
    expect((await cluster.cluster(primary)).epoch).toBe(epoch);
  });

  test('failover of a dead primary ends with one primary, be the agents quicker or not', () =>
    underLoad(
      cluster,
      { name: 'failover --target', longestGapMillis: 20_000 },
      async ({ primary, standbys, writer }) => {
        const [target = ''] = standbys;
        await cluster.kill(primary, { what: 'all', signal: 'KILL', stayDown: true });
        const { exitCode, stderr } = await cluster.tryPgwarden(
          'failover',
          '--target',
          target,
          '--yes',
          '--timeout',
          '10',
        );
        // The agents may have been quicker, and have chosen the other one.
        if (exitCode !== 0) expect(stderr).not.toBe('');
        await writer.waitForWrites(100);
        await cluster.revive(primary);
      },
    ));
});
