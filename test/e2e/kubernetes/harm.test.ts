import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { uids } from './change.ts';
import { KubernetesCluster } from './cluster.ts';
import { kubectl } from './kubectl.ts';
import { describeLong } from './long.ts';
import { freeze, numberOf, volumeOf } from './own-nodes.ts';
import { underFault } from './under-fault.ts';

const BUSY_MILLIS = 10_000;
const LIMIT = '768Mi';
/** About 2 GB in one session: well above the limit. */
const GREEDY = `select cardinality(array_agg(repeat(md5(i::text), 30000))) from generate_series(1, 2200) i`;

describeLong('harm to a member', () => {
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({
      image: inject('image'),
      patches: [
        {
          target: { kind: 'StatefulSet', name: 'pg' },
          patch: JSON.stringify([
            {
              op: 'replace',
              path: '/spec/template/spec/containers/0/resources/requests/memory',
              value: '512Mi',
            },
            { op: 'replace', path: '/spec/template/spec/containers/0/resources/limits/memory', value: LIMIT },
          ]),
        },
      ],
    });
    await cluster.waitUntilComplete();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('a session of the primary needs more memory than its container may have', async () => {
    // The kernel kills the session, or everything in the container (memory.oom.group).
    const scenario = {
      name: 'out of memory',
      longestGapMillis: BUSY_MILLIS,
      mayRestart: (primary: string) => [primary],
    };
    await underFault(cluster, scenario, async ({ primary }) => {
      const psql = ['psql', cluster.url('127.0.0.1'), '-XAtqc', GREEDY];
      await expect(cluster.kubectl(['exec', primary, '-c', 'postgres', '--', ...psql])).rejects.toThrow(
        /server closed the connection|terminated|137/,
      );
      return undefined;
    });
  });

  test.runIf(inject('ownNodes'))('an older snapshot of a standby volume is put back', async () => {
    const scenario = { name: 'snapshot put back', longestGapMillis: BUSY_MILLIS };
    const snapshot = await mkdtemp(join(tmpdir(), 'pgwarden-snapshot-'));
    try {
      await underFault(cluster, scenario, async ({ primary, writer }) => {
        const name =
          (await cluster.pods()).map(({ metadata }) => metadata.name).find((other) => other !== primary) ??
          '';
        const volume = await volumeOf(cluster.namespace, `data-${name}`);
        await whileAway(name, () => execa('cp', ['-a', `${volume}/.`, snapshot]));
        // What the snapshot does not know: another epoch, and a promise for it.
        await cluster.pgwarden(['switchover']);
        await cluster.waitUntilComplete();
        await writer.waitForWrites(500);
        await whileAway(name, async () => {
          for (const entry of await readdir(volume)) await rm(join(volume, entry), { recursive: true });
          await execa('cp', ['-a', `${snapshot}/.`, volume]);
        });
        return undefined;
      });
    } finally {
      await rm(snapshot, { recursive: true, force: true });
    }
  });

  test.runIf(inject('ownNodes'))(
    'a force-deleted primary runs on, on the volume of the pod that has its name',
    async () => {
      // Its token died with the pod (401), so it can neither label nor hand over; no Service leads to it until its kubelet
      // ends it. The new pod must not touch the volume before that.
      const scenario = {
        name: 'outlived its pod',
        longestGapMillis: 60_000,
        // The new pod's container is refused the volume until then.
        mayRestart: (primary: string) => [primary],
      };
      await underFault(cluster, scenario, async ({ primary, node }) => {
        const before = (await uids(cluster))[primary];
        await kubectl(['cordon', node]);
        const thaw = await freeze(`kubelet-${numberOf(node)}`);
        const heal = async (): Promise<void> => {
          await thaw();
          await kubectl(['uncordon', node]);
        };
        try {
          await cluster.kubectl(['delete', 'pod', primary, '--grace-period=0', '--force']);
          await waitFor(
            'the new pod to be refused the volume',
            async () => {
              const { metadata, status } = await cluster.pod(primary);
              const [container] = status.containerStatuses ?? [];
              return metadata.uid !== before && container !== undefined && container.restartCount > 0;
            },
            { timeoutMillis: 60_000, intervalMillis: 500 },
          );
        } catch (error) {
          await heal();
          throw error;
        }
        return heal;
      });
    },
  );

  /** Does `work` while the member's pod cannot run anywhere; it is back afterwards. */
  async function whileAway(name: string, work: () => Promise<unknown>): Promise<void> {
    const nodes = (await kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ');
    await kubectl(['cordon', ...nodes]);
    try {
      await cluster.kubectl(['delete', 'pod', name]);
      await work();
    } finally {
      await kubectl(['uncordon', ...nodes]);
    }
    await cluster.waitUntilComplete();
  }
});
