import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { KubernetesCluster } from './cluster.ts';
import { kubectl } from './kubectl.ts';
import { describeLong } from './long.ts';
import { freeze } from './own-nodes.ts';
import { underFault } from './under-fault.ts';

const BUSY_MILLIS = 10_000;
const ownNodes = inject('ownNodes');
const API_AWAY_MILLIS = 120_000;

describeLong('maintenance of nodes and of the API', () => {
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('the node of the primary is drained: it hands over before its pod goes', async () => {
    const scenario = { name: 'node drained', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async ({ primary, node }) => {
      const { epoch } = await cluster.status();
      const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=90s'];
      await kubectl([...drain, '--pod-selector=app.kubernetes.io/instance=pg'], { timeoutMillis: 100_000 });
      await waitFor('another primary', async () => (await cluster.primary()) !== primary);
      expect((await cluster.status()).epoch).toBe(epoch + 1);
      return async () => await kubectl(['uncordon', node]);
    });
  });

  test('a second member is not evicted while one is away', async () => {
    const scenario = { name: 'budget', longestGapMillis: 2000 };
    await underFault(cluster, scenario, async ({ primary }) => {
      const [first, second] = (await cluster.pods())
        .map(({ metadata }) => metadata.name)
        .filter((name) => name !== primary);
      await cluster.pgwarden(['fence', first ?? ''], primary);
      await waitFor('the fenced member to be unready', async () =>
        (await cluster.pod(first ?? '')).status.containerStatuses?.every(({ ready }) => !ready),
      );
      const eviction = {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: second, namespace: cluster.namespace },
      };
      const path = `/api/v1/namespaces/${cluster.namespace}/pods/${second}/eviction`;
      await waitFor('the budget to be used up', async () => {
        const allowed = await cluster.kubectl([
          'get',
          'pdb',
          'pg',
          '-o',
          'jsonpath={.status.disruptionsAllowed}',
        ]);
        return allowed === '0';
      });
      await expect(
        kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) }),
      ).rejects.toThrow(/disruption budget/);
      return async () => await cluster.pgwarden(['unfence', first ?? ''], primary);
    });
  });

  test('a fenced primary hands over, stays down, and comes back as a standby', async () => {
    const scenario = { name: 'primary fenced', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async ({ primary }) => {
      await cluster.pgwarden(['fence', primary]);
      await waitFor('another primary', async () => (await cluster.primary()) !== primary);
      const { members } = await cluster.status(await cluster.primary());
      expect(members.find(({ name }) => name === primary)).toMatchObject({ fenced: true, role: 'none' });
      return async () => await cluster.pgwarden(['unfence', primary], await cluster.primary());
    });
  });

  test.runIf(ownNodes)('the API server stands still: writes go on, and nothing is restarted', async () => {
    const scenario = { name: 'API server stopped', longestGapMillis: 3000, writeFromHere: true };
    await underFault(cluster, scenario, async ({ primary, writer }) => {
      const thaw = await freeze('apiserver');
      try {
        const since = await writer.now();
        await sleep(API_AWAY_MILLIS);
        await writer.waitForWrites(500);
        const gap = await writer.longestGap(since);
        process.stderr.write(
          `  write gap ${Math.round(gap)} ms while the API stood still for ${API_AWAY_MILLIS} ms\n`,
        );
      } finally {
        await thaw();
      }
      expect(await cluster.primary()).toBe(primary);
      return undefined;
    });
  });
});
