import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { kubeHome } from './own-nodes.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The image that the pods run. */
    image: string;
    /** Whether test/kube made the nodes, so that they may be killed and cut. */
    ownNodes: boolean;
  }
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OWN_IMAGE = 'pgwarden:e2e';
/** A machine that has built nothing yet builds Kubernetes first. */
const BUILD_WITHIN = 25 * 60_000;

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
  say('starting a Docker engine');
  await script('test/docker/docker-up');
  say('building the image');
  await execa('docker', ['build', '--network', 'host', '-t', OWN_IMAGE, '-f', 'image/Dockerfile', '.'], {
    cwd: ROOT,
    env: { DOCKER_BUILDKIT: '0' },
    timeout: BUILD_WITHIN,
    stdin: 'ignore',
  });
  say('starting three nodes of Kubernetes');
  await script('test/kube/kube-up', { KUBE_NODES: '3' });
  await execa('sh', ['-c', `docker save ${OWN_IMAGE} | test/kube/image-load`], { cwd: ROOT });
  process.env.KUBECONFIG = join(home, 'state', 'admin.kubeconfig');
  process.env.PATH = `${join(home, 'bin')}${delimiter}${process.env.PATH ?? ''}`;
  project.provide('image', OWN_IMAGE);
  project.provide('ownNodes', true);
  // Who had them running before may want them still.
  return async () => {
    if (!ran) await script('test/kube/kube-down');
  };
}

async function script(path: string, env: Record<string, string> = {}): Promise<void> {
  await execa(join(ROOT, path), [], {
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
    timeout: BUILD_WITHIN,
    // What it starts stays and holds its output open.
    buffer: false,
  });
}

function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
