import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { deleteLease, getLease, type LeaseObject, recordOf, restoreLease, signalApi } from './leases.ts';
import { underLoad } from './under-load.ts';
import { waitFor } from './wait-for.ts';

const OUTAGE_MILLIS = 30_000;

describe('three members under a steady load', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('go on while the API is stopped for three leases, a standby is lost and comes back meanwhile', () =>
    underLoad(cluster, { name: 'API stopped for three leases', longestGapMillis: 5000 }, async (before) => {
      const { primary, standbys, writer } = before;
      const [standby = ''] = standbys;
      const until = performance.now() + OUTAGE_MILLIS;
      await signalApi(cluster, 'SIGSTOP');
      await sleep(OUTAGE_MILLIS / 3);
      await cluster.kill(standby, { what: 'postgres' });
      await writer.waitForWrites(500);
      await sleep(until - performance.now());
      await writer.waitForWrites(100);
      expect(await cluster.primaries()).toEqual([primary]);
      await signalApi(cluster, 'SIGCONT');
      // Its epoch went on: nobody was replaced.
      expect(await cluster.primary()).toBe(primary);
    }));

  test('go on when the API is killed and comes back', () =>
    underLoad(cluster, { name: 'API killed', longestGapMillis: 3000 }, async ({ primary, writer }) => {
      const before = await getLease(cluster);
      await signalApi(cluster, 'SIGKILL');
      await writer.waitForWrites(300);
      await waitFor('a renewal after that', async () => {
        const now = await getLease(cluster);
        return now.metadata.resourceVersion !== before.metadata.resourceVersion;
      });
      expect(await cluster.primary()).toBe(primary);
    }));

  test('elect nobody while the API is stopped, and take over as soon as it goes on', () =>
    underLoad(
      cluster,
      { name: 'primary killed without an API', longestGapMillis: 25_000 },
      async (before) => {
        const { primary, writer } = before;
        await signalApi(cluster, 'SIGSTOP');
        await cluster.kill(primary, { stayDown: true });
        await waitFor(
          'five seconds without a write',
          () => writer.longestGap(performance.now() - 1).millis > 5000,
        );
        expect(await cluster.primaries()).toEqual([]);
        await signalApi(cluster, 'SIGCONT');
        await waitFor('another primary', async () => (await cluster.primary()) !== primary);
        await cluster.revive(primary);
      },
    ));

  test('make the Lease again that somebody deleted, under the same primary', () =>
    underLoad(cluster, { name: 'Lease deleted', longestGapMillis: 3000 }, async ({ primary, writer }) => {
      const before = await getLease(cluster);
      await deleteLease(cluster);
      const after = await waitFor('the Lease', () => getLease(cluster));
      expect(after.spec.leaseTransitions).toBeGreaterThanOrEqual(before.spec.leaseTransitions);
      expect(recordOf(after)).toMatchObject({
        clusterUID: recordOf(before).clusterUID,
        systemIdentifier: recordOf(before).systemIdentifier,
      });
      await writer.waitForWrites(300);
      expect(await cluster.primary()).toBe(primary);
    }));

  test('repair a record that went backwards, under the same primary', () =>
    underLoad(cluster, { name: 'an older Lease restored', longestGapMillis: 20_000 }, async (before) => {
      const older = await getLease(cluster);
      await cluster.kill(before.primary);
      const next = await waitFor('another primary', async () => {
        const primary = await cluster.primary();
        return primary === before.primary ? null : primary;
      });
      await cluster.waitUntilComplete();
      const newer = await getLease(cluster);
      await restoreLease(cluster, older);
      await waitFor('the repair', async () => {
        const now = await getLease(cluster);
        return (
          now.spec.leaseTransitions >= newer.spec.leaseTransitions &&
          recordOf(now).primary === recordOf(newer).primary
        );
      });
      await before.writer.waitForWrites(100);
      expect(await cluster.primary()).toBe(next);
    }));

  test('elect nobody by an older copy of the same epoch, whose cohort lacks a member that may have acknowledged', () =>
    underLoad(
      cluster,
      { name: 'an older cohort restored, everybody down', longestGapMillis: 120_000 },
      async ({ primary, standbys }) => {
        const cohort = (lease: LeaseObject) => (recordOf(lease).settled as { cohort: string[] }).cohort;
        const withCohortOf = (members: number) =>
          waitFor(`a cohort of ${members}`, async () => {
            const lease = await getLease(cluster);
            return cohort(lease).length === members ? lease : null;
          });
        const [, lost = ''] = standbys;
        await cluster.kill(lost, { stayDown: true });
        const older = await withCohortOf(1);
        await cluster.revive(lost);
        const newer = await withCohortOf(2);
        const { revision } = recordOf(newer);
        await waitFor('everybody to remember it', async () => {
          const members = await Promise.all(cluster.names.map((name) => getLease(cluster, `pg-${name}`)));
          return members.every(
            (member) => (recordOf(member).floor as { revision: number }).revision === revision,
          );
        });
        await Promise.all(cluster.names.map((name) => cluster.kill(name, { stayDown: true })));
        await restoreLease(cluster, older);
        for (const name of standbys) await cluster.revive(name);
        // Its only member could take over by its own promise, within a second of its start.
        await sleep(10_000);
        expect((await getLease(cluster)).spec.leaseTransitions).toBe(newer.spec.leaseTransitions);
        await cluster.revive(primary);
      },
    ));

  test('make the Lease again when it is deleted while nobody runs', () =>
    underLoad(cluster, { name: 'Lease deleted, everybody down', longestGapMillis: 60_000 }, async () => {
      await Promise.all(cluster.names.map((name) => cluster.kill(name, { stayDown: true })));
      await deleteLease(cluster);
      for (const name of cluster.names.toReversed()) await cluster.revive(name);
    }));
});
