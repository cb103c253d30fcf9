import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Why the tests on Kubernetes cannot run here; null: they can. A cluster of one's own is given by KUBECONFIG and IMAGE;
 * otherwise one is started on this machine (test/docker, test/kube).
 * @returns {string | null}
 */
export function whyNoKubernetes({
  env = process.env,
  platform = process.platform,
  uid = process.getuid?.(),
} = {}) {
  if (env.KUBECONFIG && env.IMAGE) return null;
  const otherwise = 'give a cluster and an image that its nodes have by KUBECONFIG and IMAGE';
  if (platform !== 'linux') return `nodes of one's own need Linux; ${otherwise}`;
  if (uid !== 0) return `nodes of one's own need root (containers, networks, volumes); ${otherwise}`;
  if (!existsSync('/usr/bin/dpkg'))
    return `the packages that nodes need are installed on Debian only; ${otherwise}`;
  const go = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (go.status !== 0)
    return `Kubernetes is built from its Go modules, and there is no Go 1.24 or newer; ${otherwise}`;
  return null;
}
