import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { KubernetesCluster } from './cluster.ts';
import { describeLong } from './long.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const NEEDED: readonly (readonly [resource: string, verb: string, provoke: Provocation])[] = [
  ['leases', 'get', restartStandby],
  ['leases', 'list', restartStandby],
  ['leases', 'watch', restartStandby],
  ['leases', 'create', deleteOwnRecord],
  ['leases', 'update', nothing],
  ['leases', 'delete', leaveRecordBehind],
  ['pods', 'get', changeTemplate],
  ['pods', 'patch', restartStandby],
  ['statefulsets', 'get', nothing],
  ['pods/eviction', 'create', changeTemplate],
  ['events', 'create', fenceTwice],
  ['events', 'patch', fenceTwice],
];

type Provocation = (cluster: KubernetesCluster) => Promise<unknown>;

describeLong('the rules of the Role', () => {
  let cluster: KubernetesCluster;
  let rules: readonly Rule[];
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
    rules = (JSON.parse(await cluster.kubectl(['get', 'role', 'pg', '-o', 'json'])) as { rules: Rule[] })
      .rules;
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('are each asked for by a case below', () => {
    const granted = rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${resource} ${verb}`)),
    );
    expect(granted.sort()).toEqual(NEEDED.map(([resource, verb]) => `${resource} ${verb}`).sort());
  });

  test.each(NEEDED)('without %s/%s the log names that very rule', async (resource, verb, provoke) => {
    const without = rules.map((rule) =>
      rule.resources.includes(resource)
        ? { ...rule, verbs: rule.verbs.filter((other) => other !== verb) }
        : rule,
    );
    try {
      await grant(cluster, without);
      await provoke(cluster);
      const rule = `resources: [\\"${resource}\\"], verbs: [\\"${verb}\\"]`;
      await waitFor(
        `a line that asks for ${rule}`,
        async () => {
          const logs = await Promise.all(
            (await cluster.pods()).map(({ metadata }) =>
              cluster.kubectl(['logs', metadata.name, '--since=90s']),
            ),
          );
          return logs.some((log) => log.includes(rule));
        },
        { timeoutMillis: 75_000, intervalMillis: 1000 },
      );
    } catch (error) {
      await cluster.keepEvidence(`without ${resource} ${verb}`);
      throw error;
    } finally {
      await grant(cluster, rules);
      await cluster.waitUntilComplete();
    }
  });
});

async function grant(cluster: KubernetesCluster, rules: readonly Rule[]): Promise<void> {
  await cluster.kubectl([
    'patch',
    'role',
    'pg',
    '--type=merge',
    '-p',
    JSON.stringify({ rules: rules.filter(({ verbs }) => verbs.length > 0) }),
  ]);
}

async function standby(cluster: KubernetesCluster): Promise<string> {
  const primary = await cluster.primary();
  return (await cluster.pods()).map(({ metadata }) => metadata.name).find((name) => name !== primary) ?? '';
}

async function nothing(): Promise<void> {}

async function restartStandby(cluster: KubernetesCluster): Promise<void> {
  await cluster.kubectl(['delete', 'pod', await standby(cluster)]);
}

async function deleteOwnRecord(cluster: KubernetesCluster): Promise<void> {
  await cluster.kubectl(['delete', 'lease', `pg-${await standby(cluster)}`]);
}

/** As a member leaves it that was scaled away. */
async function leaveRecordBehind(cluster: KubernetesCluster): Promise<void> {
  const text = await cluster.kubectl(['get', 'lease', `pg-${await standby(cluster)}`, '-o', 'json']);
  const lease = JSON.parse(
    text
      .replaceAll(/\bpg-[0-2]\b(?!-[0-9a-f]{8})/g, 'pg-9')
      // Nobody has an address of this network (RFC 5737).
      .replace(/\\"host\\":\\"[^"\\]*/, '\\"host\\":\\"192.0.2.1'),
  ) as {
    metadata: Record<string, unknown>;
  };
  const { name, labels, annotations } = lease.metadata;
  const made = { ...lease, metadata: { name, labels, annotations } };
  await cluster.kubectl(['create', '-f', '-'], { input: JSON.stringify(made) });
}

async function changeTemplate(cluster: KubernetesCluster): Promise<void> {
  const annotations = { 'test.pgwarden.dev/template': `${Date.now()}` };
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations } } } });
  await cluster.kubectl(['patch', 'statefulset', 'pg', '--type=merge', '-p', patch]);
}

/** The second time its Event is the same, and counts up the first. */
async function fenceTwice(cluster: KubernetesCluster): Promise<void> {
  const name = await standby(cluster);
  const primary = await cluster.primary();
  for (const command of ['fence', 'unfence', 'fence', 'unfence'])
    await cluster.pgwarden([command, name], primary);
}
