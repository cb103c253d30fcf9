import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { configure, uids, waitUntilAll } from './change.ts';
import { KubernetesCluster } from './cluster.ts';
import { testLong } from './long.ts';
import { underFault } from './under-fault.ts';

const BUSY_MILLIS = 10_000;
const WHOLE = { timeoutMillis: 240_000, intervalMillis: 500 };

describe('a new pod template', () => {
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('goes to the standbys one by one, and to the primary last, with one hand-over', async () => {
    const scenario = { name: 'rollout', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async ({ primary }) => {
      const before = await uids(cluster);
      const { epoch } = await cluster.status();
      await cluster.apply({ patches: [template('first')] });
      const order: string[] = [];
      await waitFor(
        'every pod to be replaced',
        async () => {
          const now = await uids(cluster);
          const away = Object.keys(before).filter((name) => now[name] === undefined);
          expect(away.length, `${away} are away at once`).toBeLessThan(2);
          for (const [name, uid] of Object.entries(now))
            if (uid !== before[name] && !order.includes(name)) order.push(name);
          return order.length === 3;
        },
        WHOLE,
      );
      await cluster.waitUntilComplete();
      const standbys = Object.keys(before).filter((name) => name !== primary);
      expect(order).toEqual([...standbys.sort().reverse(), primary]);
      expect((await cluster.status()).epoch).toBe(epoch + 1);
      return undefined;
    });
  });

  testLong('waits before the hand-over where that is supervised, until a switchover', async () => {
    const scenario = { name: 'supervised rollout', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async ({ primary }) => {
      const before = await uids(cluster);
      await configure(cluster, { 'cluster.rollout': 'supervised' });
      // Seen by what was changed with it.
      await configure(cluster, { 'postgres.parameters.work_mem': '9MB' });
      await waitUntilAll(cluster, 'show work_mem', '9MB');
      await cluster.apply({ patches: [template('second')] });
      await configure(cluster, { 'cluster.rollout': 'supervised', 'postgres.parameters.work_mem': '9MB' });
      await waitFor(
        'the word of a person to be waited for',
        async () =>
          (await cluster.kubectl(['logs', primary, '--tail=200'])).includes('cluster.rollout is supervised'),
        WHOLE,
      );
      const half = await uids(cluster);
      expect(Object.keys(before).filter((name) => half[name] === before[name])).toEqual([primary]);
      await cluster.pgwarden(['switchover']);
      await waitFor(
        'the old primary to follow',
        async () => (await uids(cluster))[primary] !== before[primary],
        WHOLE,
      );
      return undefined;
    });
  });

  testLong('that cannot run stops at the first standby, and a mended one goes on from there', async () => {
    const scenario = { name: 'broken rollout', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async ({ primary }) => {
      const before = await uids(cluster);
      await cluster.apply({ patches: [template('broken', { args: ['run', '--config', '/nowhere'] })] });
      await waitFor(
        'a pod that does not run',
        async () =>
          (await cluster.pods()).some(({ status }) =>
            (status.containerStatuses ?? []).some(({ restartCount }) => restartCount > 0),
          ),
        WHOLE,
      );
      const broken = await uids(cluster);
      expect(Object.keys(before).filter((name) => broken[name] !== before[name])).toHaveLength(1);
      expect(await cluster.primary()).toBe(primary);
      await cluster.apply({ patches: [template('mended')] });
      await waitFor(
        'every pod to be replaced',
        async () => {
          const now = await uids(cluster);
          return Object.keys(before).every((name) => now[name] !== undefined && now[name] !== broken[name]);
        },
        WHOLE,
      );
      return undefined;
    });
  });
});

/** A strategic patch that changes the pods' template. */
function template(value: string, container: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    target: { kind: 'StatefulSet', name: 'pg' },
    patch: JSON.stringify({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'pg' },
      spec: {
        template: {
          metadata: { annotations: { 'test.pgwarden.dev/template': value } },
          spec: { containers: [{ name: 'postgres', ...container }] },
        },
      },
    }),
  };
}
