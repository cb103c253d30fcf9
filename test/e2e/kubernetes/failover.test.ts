import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { KubernetesCluster } from './cluster.ts';
import { nodeCut, nodeKill, nodesUp } from './own-nodes.ts';
import { underFault } from './under-fault.ts';

const BUSY_MILLIS = 10_000;
const ownNodes = inject('ownNodes');

describe('a cluster of the quickstart overlay under faults', () => {
  let cluster: KubernetesCluster;

  beforeAll(async () => {
    const began = performance.now();
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
    const millis = performance.now() - began;
    process.stderr.write(`  ${Math.round(millis)} ms from nothing to three members\n`);
    expect(millis).toBeLessThan(60_000);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('a switchover', async () => {
    await underFault(cluster, { name: 'switchover', longestGapMillis: BUSY_MILLIS }, async () => {
      await cluster.pgwarden(['switchover']);
      return undefined;
    });
  });

  test('the pod of the primary is deleted', async () => {
    await underFault(cluster, { name: 'pod deleted', longestGapMillis: BUSY_MILLIS }, async ({ primary }) => {
      await cluster.kubectl(['delete', 'pod', primary, '--wait=false']);
      return undefined;
    });
  });

  test('the pod of the primary is force-deleted', async () => {
    await underFault(
      cluster,
      { name: 'pod force-deleted', longestGapMillis: BUSY_MILLIS },
      async ({ primary }) => {
        await cluster.kubectl(['delete', 'pod', primary, '--grace-period=0', '--force']);
        return undefined;
      },
    );
  });

  test('every process in the container of the primary is killed', async () => {
    const scenario = {
      name: 'container killed',
      longestGapMillis: BUSY_MILLIS,
      mayRestart: (primary: string) => [primary],
    };
    await underFault(cluster, scenario, async ({ primary }) => {
      // -1: all but tini, which then ends, and this shell, whose exec ends with the container.
      await cluster.kubectl(['exec', primary, '--', 'sh', '-c', 'kill -9 -1'], { accept: [0, 1, 137] });
      return undefined;
    });
  });

  test.runIf(ownNodes)('the node of the primary is cut off everything', async () => {
    await underFault(
      cluster,
      { name: 'node cut off', longestGapMillis: BUSY_MILLIS * 2 },
      async ({ node }) => {
        await nodeCut(node, 'all');
        return () => nodeCut(node, 'heal');
      },
    );
  });

  test.runIf(ownNodes)('the node of the primary is cut off its peers, but not the API', async () => {
    await underFault(
      cluster,
      { name: 'node cut off its peers', longestGapMillis: BUSY_MILLIS * 2 },
      async ({ node }) => {
        await nodeCut(node, 'peers');
        return () => nodeCut(node, 'heal');
      },
    );
  });

  test.runIf(ownNodes)('the node of the primary is cut off the API alone: writes go on', async () => {
    await underFault(
      cluster,
      { name: 'node cut off the API', longestGapMillis: 3000 },
      async ({ node, writer }) => {
        await nodeCut(node, 'api');
        await writer.waitForWrites(500);
        return () => nodeCut(node, 'heal');
      },
    );
  });

  test.runIf(ownNodes)('the node of the primary is killed', async () => {
    const scenario = {
      name: 'node killed',
      longestGapMillis: BUSY_MILLIS * 2,
      // With the node its container comes back.
      mayRestart: (primary: string) => [primary],
    };
    await underFault(cluster, scenario, async ({ node }) => {
      await nodeKill(node);
      return async () => {
        await nodesUp();
        await waitFor(
          'the node to be ready',
          async () =>
            (await cluster.kubectl([
              'get',
              'node',
              node,
              '-o',
              'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
            ])) === 'True',
        );
      };
    });
  });
});
