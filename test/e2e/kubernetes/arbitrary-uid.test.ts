import { expect, inject } from 'vitest';
import { KubernetesCluster } from './cluster.ts';
import { testLong } from './long.ts';
import { underFault } from './under-fault.ts';

/** As OpenShift's restricted-v2 gives a namespace: a uid of no user, the group 0, the volume's group like the uid. */
const UID = 1_000_650_000;

testLong('a cluster runs as any uid of group 0, on a read-only root', async () => {
  await using cluster = await KubernetesCluster.start({
    image: inject('image'),
    patches: [
      {
        target: { kind: 'StatefulSet', name: 'pg' },
        patch: JSON.stringify({
          apiVersion: 'apps/v1',
          kind: 'StatefulSet',
          metadata: { name: 'pg' },
          spec: {
            template: { spec: { securityContext: { runAsUser: UID, runAsGroup: 0, fsGroup: UID } } },
          },
        }),
      },
    ],
  });
  await cluster.waitUntilComplete();
  const primary = await cluster.primary();
  expect((await cluster.kubectl(['exec', primary, '--', 'id', '-u'])).trim()).toBe(`${UID}`);
  await expect(cluster.kubectl(['exec', primary, '--', 'touch', '/usr/there'])).rejects.toThrow(
    /[Rr]ead-only/,
  );
  await underFault(cluster, { name: 'switchover of an unknown user', longestGapMillis: 10_000 }, async () => {
    await cluster.pgwarden(['switchover']);
    return undefined;
  });
});
