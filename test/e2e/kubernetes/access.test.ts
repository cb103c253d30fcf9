import { join } from 'node:path';
import { execa } from 'execa';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { KubernetesCluster } from './cluster.ts';
import { kubectl } from './kubectl.ts';

const PLUGIN = join(import.meta.dirname, '..', '..', '..', 'manifests', 'kubectl-pgwarden');

let cluster: KubernetesCluster;
beforeAll(async () => {
  cluster = await KubernetesCluster.start({ image: inject('image'), components: ['client', 'nodeport'] });
  await cluster.waitUntilComplete();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('kubectl pgwarden', () => {
  const plugin = (args: readonly string[], input?: string) =>
    execa(PLUGIN, ['-n', cluster.namespace, ...args], {
      reject: false,
      ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    });

  test('runs a command of pgwarden in a pod, and gives its exit code', async () => {
    const status = await plugin(['status', '-o', 'json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ namespace: cluster.namespace });
    expect((await plugin(['fence', 'nobody'])).exitCode).toBeGreaterThan(0);
  });

  test('psql reads from a pipe, in the pod of the primary', async () => {
    const { stdout } = await plugin(['psql', '-At'], 'select pg_is_in_recovery();');
    expect(stdout).toBe('f');
  });

  test('logs are of the primary, or of the member that is named', async () => {
    const primary = await cluster.primary();
    expect((await plugin(['logs', '--tail', '1'])).stdout).toContain(`"member":"${primary}"`);
    expect((await plugin(['logs', 'pg-1', '--tail', '1'])).stdout).toContain('"member":"pg-1"');
  });

  test('where there is no cluster it says so, with exit code 3', async () => {
    const { exitCode, stderr } = await plugin(['-c', 'another', 'status']);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('no member of the cluster another');
  });
});

describe('the components client and nodeport', () => {
  test('the client reaches the primary by what the Secret says, with no argument', async () => {
    await cluster.kubectl(['rollout', 'status', 'deployment/pg-client', '--timeout=60s']);
    const psql = ['psql', '-XAtqc', 'select pg_is_in_recovery(), current_user'];
    const told = await cluster.kubectl(['exec', 'deployment/pg-client', '--', ...psql]);
    expect(told.trim()).toBe('f|app');
  });

  test.runIf(inject('ownNodes'))(
    'from outside, one port of a node leads to the primary, one to the standbys',
    async () => {
      const address = await kubectl([
        ...['get', 'node', 'node-1', '-o'],
        'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}',
      ]);
      expect(await inRecovery(cluster.url(address, 30432))).toBe(false);
      expect(await inRecovery(cluster.url(address, 30433))).toBe(true);
      const before = await cluster.primary();
      await cluster.pgwarden(['switchover']);
      await waitFor('the port to lead to the new primary', async () => {
        return (await cluster.primary()) !== before && !(await inRecovery(cluster.url(address, 30432)));
      });
    },
  );
});

async function inRecovery(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
    return rows[0]?.standby ?? true;
  } finally {
    await client.end();
  }
}
