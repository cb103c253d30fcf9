import { expect, test } from 'vitest';
import { kubeHome, whyNoKubernetes } from '../../../scripts/test/kubernetes-here.mjs';

test('a cluster that is given needs nothing of this machine', () => {
  const env = { KUBECONFIG: '/there', IMAGE: 'pgwarden:1' };
  expect(whyNoKubernetes({ env, platform: 'darwin', uid: 501 })).toBeNull();
});

test('where no nodes can be made, the reason is told, and what to give instead', () => {
  for (const given of [{}, { KUBECONFIG: '/there' }, { IMAGE: 'pgwarden:1' }]) {
    expect(whyNoKubernetes({ env: given, platform: 'darwin', uid: 0 })).toMatch(
      /need Linux; .*KUBECONFIG and IMAGE/,
    );
    expect(whyNoKubernetes({ env: given, platform: 'linux', uid: 1000 })).toMatch(/need root/);
  }
});

test.runIf(process.platform === 'linux')(
  'where Kubernetes would have to be built, only who asks for that has it built',
  () => {
    const env = { ...process.env, KUBECONFIG: undefined, IMAGE: undefined, KUBE_HOME: '/nowhere' };
    expect(whyNoKubernetes({ env, uid: 0 }) ?? 'it is built').not.toContain('not built');
    const told = whyNoKubernetes({ env: { ...env, PGWARDEN_TEST_NODES: 'built' }, uid: 0 });
    // Where there is no Debian or no Go, that is the reason.
    expect(told).toMatch(/not built in \/nowhere.*npm run test:kubernetes|Debian only|no Go/);
  },
);

test('nodes are kept where the scripts of test/kube keep them', () => {
  expect(kubeHome({ env: { KUBE_HOME: '/there' }, uid: 0 })).toBe('/there');
  expect(kubeHome({ env: {}, uid: 0 })).toBe('/opt/kube');
  expect(kubeHome({ env: { XDG_CACHE_HOME: '/cache' }, uid: 1000 })).toBe('/cache/pgwarden/kube');
});
