import { expect, test } from 'vitest';
import { parsePath } from '../../../src/demo/api/http/request.ts';

const shown = (path: string): string => {
  const parsed = parsePath(path);
  if (parsed.type !== 'resource') return parsed.type;
  const { kind, namespace, name, subresource } = parsed.path;
  return [kind.plural, namespace ?? '*', name ?? '*', subresource ?? ''].join(' ').trim();
};

test.each([
  ['/apis/coordination.k8s.io/v1/namespaces/n/leases', 'leases n *'],
  ['/apis/coordination.k8s.io/v1/namespaces/n/leases/a%2Db', 'leases n a-b'],
  ['/apis/coordination.k8s.io/v1/leases', 'leases * *'],
  ['/apis/coordination.k8s.io/v1/leases/a', 'no-resource'],
  ['/apis/coordination.k8s.io/v1/namespaces/n/pods', 'no-resource'],
  ['/api/v1/namespaces', 'namespaces * *'],
  ['/api/v1/namespaces/n', 'namespaces * n'],
  ['/api/v1/namespaces/n/pods/p/status', 'pods n p status'],
  ['/api/v1/namespaces/n/pods/p/exec', 'no-resource'],
  ['/api/v1', 'other'],
  ['/apis/apps/v1/deployments', 'other'],
  ['/%zz', 'other'],
])('%s is %s', (path, expected) => {
  expect(shown(path)).toBe(expected);
});
