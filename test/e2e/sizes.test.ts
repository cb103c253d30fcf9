import { describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { underLoad } from './under-load.ts';
import { waitFor } from './wait-for.ts';

describe('a cluster of another size', () => {
  test('one member comes back by itself with everything that it acknowledged', async () => {
    await using cluster = await DemoCluster.start({ members: 1 });
    await underLoad(
      cluster,
      { name: 'one member, killed', longestGapMillis: 20_000 },
      async ({ primary }) => {
        await cluster.kill(primary);
      },
    );
    await underLoad(
      cluster,
      { name: 'one member, SIGTERM', longestGapMillis: 20_000 },
      async ({ primary }) => {
        await cluster.kill(primary, { what: 'agent', signal: 'TERM' });
      },
    );
  });

  test('the other of two takes over, and acknowledges once the first is back', async () => {
    await using cluster = await DemoCluster.start({ members: 2 });
    await underLoad(
      cluster,
      { name: 'two members, primary killed', longestGapMillis: 30_000 },
      async (before) => {
        await cluster.kill(before.primary);
        await waitFor('another primary', async () => (await cluster.primary()) !== before.primary);
      },
    );
    await underLoad(
      cluster,
      { name: 'two members, switchover', longestGapMillis: 10_000 },
      async ({ standbys }) => {
        await cluster.pgwarden('switchover', '--target', standbys[0] ?? '');
      },
    );
    await underLoad(
      cluster,
      { name: 'two members, standby killed', longestGapMillis: 20_000 },
      async (before) => {
        await cluster.kill(before.standbys[0] ?? '');
        await before.writer.waitForWrites(100);
        expect(await cluster.primary()).toBe(before.primary);
      },
    );
  });

  test('five members go on when the primary and then a standby are lost', async () => {
    await using cluster = await DemoCluster.start({ members: 5, timeoutSeconds: 180 });
    await underLoad(
      cluster,
      { name: 'five members, primary killed', longestGapMillis: 15_000 },
      async (before) => {
        await cluster.kill(before.primary, { stayDown: true });
        const next = await waitFor('another primary', async () => {
          const now = await cluster.primary();
          return now === before.primary ? null : now;
        });
        await before.writer.waitForWrites(100);
        const standby = before.standbys.find((name) => name !== next) ?? '';
        await cluster.kill(standby, { stayDown: true });
        await before.writer.waitForWrites(200);
        await cluster.revive(before.primary);
        await cluster.revive(standby);
      },
    );
  });
});
