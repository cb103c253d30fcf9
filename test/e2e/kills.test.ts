import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { underLoad } from './under-load.ts';
import { waitFor } from './wait-for.ts';

describe('three members under a steady load', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const takenOverFrom = (victim: string) =>
    waitFor('another primary', async () => (await cluster.primary()) !== victim);

  test('go on when everything of the primary is killed', () =>
    underLoad(
      cluster,
      { name: 'everything of the primary killed', longestGapMillis: 10_000 },
      async (before) => {
        await cluster.kill(before.primary);
        await takenOverFrom(before.primary);
      },
    ));

  test("go on when the primary's postmaster is killed", () =>
    underLoad(cluster, { name: 'postmaster killed', longestGapMillis: 10_000 }, async (before) => {
      await cluster.kill(before.primary, { what: 'postgres' });
    }));

  test("go on when the primary's agent is killed", () =>
    underLoad(cluster, { name: 'agent killed', longestGapMillis: 10_000 }, async (before) => {
      await cluster.kill(before.primary, { what: 'agent' });
    }));

  test("go on when the primary's agent is killed and does not come back", () =>
    underLoad(cluster, { name: 'agent killed, stays down', longestGapMillis: 10_000 }, async (before) => {
      await cluster.kill(before.primary, { what: 'agent', stayDown: true });
      await takenOverFrom(before.primary);
      await cluster.revive(before.primary);
    }));

  test("go on when the primary's agent is frozen, which finds itself replaced when it goes on", () =>
    underLoad(cluster, { name: 'agent frozen', longestGapMillis: 15_000 }, async (before) => {
      await cluster.kill(before.primary, { what: 'agent', signal: 'STOP' });
      await takenOverFrom(before.primary);
      await cluster.revive(before.primary);
    }));

  test("go on when the primary's postmaster is frozen, for which nobody is called", () =>
    underLoad(cluster, { name: 'postmaster frozen', longestGapMillis: 30_000 }, async (before) => {
      const { postgresPid } = await cluster.member(before.primary);
      await cluster.kill(before.primary, { what: 'postgres', signal: 'STOP' });
      await waitFor(
        'it to be ended',
        async () => (await cluster.member(before.primary)).postgresPid !== postgresPid,
      );
    }));

  test('go on when everything of the primary is frozen, and goes on long after', () =>
    underLoad(
      cluster,
      // The kernel goes on acknowledging for frozen processes: only the client itself can give such a connection up.
      { name: 'everything frozen', longestGapMillis: 15_000, deadAfterMillis: 2000 },
      async (before) => {
        await cluster.kill(before.primary, { signal: 'STOP' });
        await takenOverFrom(before.primary);
        await before.writer.waitForWrites(200);
        await cluster.revive(before.primary);
      },
    ));

  test('hand over when the primary is told to end', () =>
    underLoad(cluster, { name: 'SIGTERM', longestGapMillis: 5000 }, async (before) => {
      await cluster.kill(before.primary, { what: 'agent', signal: 'TERM' });
      await takenOverFrom(before.primary);
    }));

  test('hand over to the standby that a switchover names', () =>
    underLoad(cluster, { name: 'switchover', longestGapMillis: 5000 }, async ({ standbys }) => {
      const target = standbys.at(-1) ?? '';
      await cluster.pgwarden('switchover', '--target', target);
      expect(await cluster.primary()).toBe(target);
    }));

  test('go on when a standby is lost, and have it back', () =>
    underLoad(
      cluster,
      { name: 'a standby lost', longestGapMillis: 5000 },
      async ({ primary, standbys, writer }) => {
        const [victim = ''] = standbys;
        await cluster.kill(victim, { stayDown: true });
        await writer.waitForWrites(500);
        expect(await cluster.primary()).toBe(primary);
        await cluster.revive(victim);
      },
    ));
});
