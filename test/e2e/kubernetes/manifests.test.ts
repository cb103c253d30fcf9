import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { kubectl } from './kubectl.ts';

const MANIFESTS = join(import.meta.dirname, '..', '..', '..', 'manifests');
const NAMESPACE = `pgwarden-manifests-${process.pid}`;
const overlays = await readdir(join(MANIFESTS, 'overlays'));
const components = await readdir(join(MANIFESTS, 'components'));

/** Kinds of other programs (the monitoring and certificate operators): no definition of theirs is here. */
const FOREIGN = /no matches for kind "(?:PodMonitor|PrometheusRule|Certificate|Issuer)"/;

describe('the manifests and the real API server', () => {
  let directory: string;
  beforeAll(async () => {
    await kubectl(['create', 'namespace', NAMESPACE]);
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-manifests-'));
  });
  afterAll(async () => {
    await kubectl(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
    await rm(directory, { recursive: true, force: true });
  });

  test.each(overlays)('the overlay %s is accepted with strict validation', async (overlay) => {
    const told = await dryRun(join(MANIFESTS, 'overlays', overlay));
    expect(told).toContain('statefulset.apps/pg created');
  });

  test.each(components)('the component %s is accepted with strict validation', async (component) => {
    await writeFile(
      join(directory, 'kustomization.yaml'),
      stringify({
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        resources: [relative(directory, join(MANIFESTS, 'overlays', 'quickstart'))],
        components: [relative(directory, join(MANIFESTS, 'components', component))],
      }),
    );
    const plain = await kubectl(['kustomize', join(MANIFESTS, 'overlays', 'quickstart')]);
    const changed = await kubectl(['kustomize', directory]);
    expect(changed, 'the component changes nothing').not.toBe(plain);
    expect(await dryRun(directory)).toContain('statefulset.apps/pg created');
  });
});

async function dryRun(directory: string): Promise<string> {
  const rendered = await kubectl(['kustomize', directory]);
  const apply = ['-n', NAMESPACE, 'apply', '--dry-run=server', '--validate=strict', '-f', '-'];
  try {
    return await kubectl(apply, { input: rendered });
  } catch (error) {
    if (!FOREIGN.test((error as Error).message)) throw error;
    const own = rendered
      .split(/^---$/m)
      .filter((object) => !/^kind: (?:PodMonitor|PrometheusRule|Certificate|Issuer)$/m.test(object));
    return await kubectl(apply, { input: own.join('---\n') });
  }
}
