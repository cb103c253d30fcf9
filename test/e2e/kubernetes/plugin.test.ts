import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { KubernetesCluster } from './cluster.ts';

const PLUGIN = join(import.meta.dirname, '..', '..', '..', 'manifests', 'kubectl-pgwarden');

describe('kubectl pgwarden', () => {
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

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
