import { parse, stringify } from 'yaml';
import { waitFor } from '../wait-for.ts';
import type { KubernetesCluster } from './cluster.ts';

const FILE = 'pgwarden.yaml';

/**
 * Changes the configuration in the ConfigMap, as an edited file and `kubectl apply` do, and nothing else. `settings`: by
 * dotted path. Kubelets bring it to the pods within about a minute and a half; a changed annotation makes them look now.
 */
export async function configure(
  cluster: KubernetesCluster,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const found = JSON.parse(await cluster.kubectl(['get', 'configmap', 'pg', '-o', 'json'])) as {
    data: Record<string, string>;
  };
  const tree = parse(found.data[FILE] ?? '') as Record<string, unknown>;
  for (const [path, value] of Object.entries(settings)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = tree;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[last] = value;
  }
  const patch = JSON.stringify({ data: { [FILE]: stringify(tree) } });
  await cluster.kubectl(['patch', 'configmap', 'pg', '--type=merge', '-p', patch]);
  await cluster.kubectl([
    ...['annotate', 'pods', '-l', 'app.kubernetes.io/name=pgwarden', '--overwrite'],
    `test.pgwarden.dev/looked=${Date.now()}`,
  ]);
}

export async function scale(cluster: KubernetesCluster, members: number): Promise<void> {
  await cluster.kubectl(['scale', 'statefulset', 'pg', `--replicas=${members}`]);
}

/** One value that a member's Postgres answers, as its application's role. */
export async function ask(cluster: KubernetesCluster, pod: string, sql: string): Promise<string> {
  const url = cluster.url('127.0.0.1');
  return (await cluster.kubectl(['exec', pod, '-c', 'postgres', '--', 'psql', url, '-XAtqc', sql])).trim();
}

/** Every pod's Postgres answers `sql` with `value`. */
export async function waitUntilAll(cluster: KubernetesCluster, sql: string, value: string): Promise<void> {
  await waitFor(
    `${sql} to be ${value} everywhere`,
    async () => {
      const pods = await cluster.pods();
      const told = await Promise.all(pods.map(({ metadata }) => ask(cluster, metadata.name, sql)));
      if (told.some((text) => text !== value)) throw new Error(told.join(', '));
      return true;
    },
    { timeoutMillis: 120_000, intervalMillis: 1000 },
  );
}

/** The pods' uids by name: a pod that was made anew has another. */
export async function uids(cluster: KubernetesCluster): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await cluster.pods()).map(({ metadata }) => [metadata.name, metadata.uid]));
}

/** What `kubectl get leases` names. */
export async function leases(cluster: KubernetesCluster): Promise<readonly string[]> {
  const told = await cluster.kubectl(['get', 'leases', '-o', 'jsonpath={.items[*].metadata.name}']);
  return told.split(' ').filter((name) => name !== '');
}
