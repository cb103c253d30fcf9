import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { kubeHome } from '../../../scripts/test/kubernetes-here.mjs';
import { buildImage, runScript, say } from '../container-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The image that the pods run. */
    image: string;
    /** Whether test/kube made the nodes, so that they may be killed and cut. */
    ownNodes: boolean;
  }
}

const ROOT = join(import.meta.dirname, '..', '..', '..');

/**
 * A real Kubernetes and the image in it. KUBECONFIG and IMAGE name a cluster of one's own (kind, k3d, a cloud), whose
 * nodes are left alone (unless they are those of test/kube); without them three nodes are started on this machine (test/kube), and the image is built and
 * loaded into them.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { KUBECONFIG, IMAGE } = process.env;
  const home = kubeHome();
  if (KUBECONFIG && IMAGE) {
    project.provide('image', IMAGE);
    project.provide('ownNodes', KUBECONFIG === join(home, 'state', 'admin.kubeconfig'));
    return async () => {};
  }
  const ran = existsSync(join(home, 'state', 'pid', 'apiserver'));
  const { name, release } = await buildImage();
  say('starting three nodes of Kubernetes');
  await runScript('test/kube/kube-up', { KUBE_NODES: '3' });
  await execa('sh', ['-c', `docker save ${name} | test/kube/image-load`], { cwd: ROOT });
  process.env.KUBECONFIG = join(home, 'state', 'admin.kubeconfig');
  process.env.PATH = `${join(home, 'bin')}${delimiter}${process.env.PATH ?? ''}`;
  project.provide('image', name);
  project.provide('ownNodes', true);
  // Who had them running before may want them still.
  return async () => {
    if (!ran) await runScript('test/kube/kube-down');
    await release();
  };
}
