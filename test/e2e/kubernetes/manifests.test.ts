import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { clusterScoped } from './cluster.ts';
import { kubectl } from './kubectl.ts';

const MANIFESTS = join(import.meta.dirname, '..', '..', '..', 'manifests');
const DEFINITIONS = join(import.meta.dirname, '..', '..', 'kube', 'definitions');
const overlays = await readdir(join(MANIFESTS, 'overlays'));
const components = [...(await readdir(join(MANIFESTS, 'components'))), 'monitoring/plain'];

/** What the API server has of one object that was applied. */
interface Live {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Record<string, unknown>;
  readonly status?: unknown;
}

describe('the manifests and the real API server', () => {
  let directory: string;
  const defined: string[] = [];
  const namespaces: string[] = [];
  /** Objects of no namespace that were not there before. */
  const ours = new Set<string>();
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-manifests-'));
    // The operator's own where the cluster has it.
    for (const file of await readdir(DEFINITIONS)) {
      const path = join(DEFINITIONS, file);
      const there = await kubectl(['get', '-f', path, '--ignore-not-found', '-o', 'name']);
      if (there !== '') continue;
      await kubectl(['create', '-f', path]);
      defined.push(path);
      await kubectl(['wait', '--for=condition=Established', '-f', path, '--timeout=30s']);
    }
  });
  afterAll(async () => {
    for (const name of namespaces) await kubectl(['delete', 'namespace', name, '--wait=false']);
    for (const object of ours) await kubectl(['delete', object, '--wait=false']);
    for (const path of defined) await kubectl(['delete', '-f', path, '--wait=false']);
    await rm(directory, { recursive: true, force: true });
  });

  test.each(overlays)(
    'the overlay %s is accepted with strict validation, and twice is once',
    async (name) => {
      await applyTwice(`overlay-${name}`, await kustomized([`overlays/${name}`], []));
    },
  );

  test.each(components)(
    'the component %s is accepted with strict validation, and twice is once',
    async (name) => {
      const plain = await kustomized(['overlays/quickstart'], []);
      const changed = await kustomized(['overlays/quickstart'], [`components/${name}`]);
      expect(changed, 'the component changes nothing').not.toBe(plain);
      await applyTwice(`component-${name.replace('/', '-')}`, changed);
    },
  );

  /** The objects, without a pod: what runs is shown by the other tests. */
  async function kustomized(resources: readonly string[], used: readonly string[]): Promise<string> {
    const at = (path: string): string => relative(directory, join(MANIFESTS, path));
    await writeFile(
      join(directory, 'kustomization.yaml'),
      stringify({
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        resources: resources.map(at),
        components: used.map(at),
        patches: ['StatefulSet', 'Deployment'].map((kind) => ({
          target: { kind },
          patch: JSON.stringify([{ op: 'add', path: '/spec/replicas', value: 0 }]),
        })),
      }),
    );
    return await kubectl(['kustomize', directory]);
  }

  async function applyTwice(name: string, input: string): Promise<void> {
    const namespace = `pgwarden-${name}-${process.pid}`;
    namespaces.push(namespace);
    await kubectl(['create', 'namespace', namespace]);
    const apply = ['-n', namespace, 'apply', '--validate=strict', '-f', '-'];
    const told = await kubectl(apply, { input });
    expect(told).toContain('statefulset.apps/pg created');
    for (const object of clusterScoped(told)) ours.add(object);
    const first = await live(namespace, input);
    await kubectl(apply, { input });
    expect(await live(namespace, input)).toEqual(first);
    // Its namespace goes later, and the next may want the same node ports.
    await kubectl(['-n', namespace, 'delete', 'services', '--all']);
  }
});

/** As they are in the API, without what controllers write. */
async function live(namespace: string, input: string): Promise<readonly Live[]> {
  const told = await kubectl(['-n', namespace, 'get', '-f', '-', '-o', 'json'], { input });
  return (JSON.parse(told) as { items: readonly Live[] }).items.map(({ metadata, status: _, ...rest }) => {
    const { resourceVersion: _version, managedFields: _fields, ...kept } = metadata;
    return { ...rest, metadata: kept };
  });
}
