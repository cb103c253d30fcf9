import { expect, test } from 'vitest';
import { whyNoKubernetes } from '../../../scripts/test/kubernetes-here.mjs';

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
