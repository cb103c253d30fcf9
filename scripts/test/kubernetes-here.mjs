import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup/paths.mjs';

/** Where test/kube keeps its nodes, as test/kube/environment has it. */
export function kubeHome({ env = process.env, uid = process.getuid?.() } = {}) {
  if (env.KUBE_HOME) return env.KUBE_HOME;
  if (uid === 0) return '/opt/kube';
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pgwarden', 'kube');
}

/**
 * Why the tests on Kubernetes cannot run here; null: they can. A cluster of one's own is given by KUBECONFIG and IMAGE;
 * otherwise one is started on this machine (test/docker, test/kube). PGWARDEN_TEST_NODES=built: not where Kubernetes
 * would have to be built first.
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
  if (env.PGWARDEN_TEST_NODES === 'built' && !isBuilt(env))
    return `Kubernetes is not built in ${kubeHome({ env, uid })}, which takes about eight minutes: npm run test:kubernetes does it; or ${otherwise}`;
  return null;
}

/** The script knows which versions. */
function isBuilt(env) {
  return spawnSync(join(root, 'test', 'kube', 'kube-up'), ['built'], { env, stdio: 'ignore' }).status === 0;
}
