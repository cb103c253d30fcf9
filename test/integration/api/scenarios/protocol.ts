import { expect } from 'vitest';
import { lease, type Scenario } from './scenario.ts';

export const protocolScenarios: readonly Scenario[] = [
  {
    name: 'methods that a path does not have are refused',
    async run(api) {
      await api.post('leases', lease('a'));
      for (const [method, path] of [
        ['PUT', 'leases'],
        ['PATCH', 'leases'],
        ['POST', 'leases/a'],
      ] as const) {
        const answer = await api.raw(method, api.path(path), { body: lease('a') });
        expect(answer.code, `${method} ${path}`).toBe(405);
      }
    },
  },
  {
    name: 'paths that are not there are not found',
    async run(api) {
      expect((await api.get('nothings')).code).toBe(404);
      expect((await api.raw('GET', '/apis/coordination.k8s.io/v1/namespaces/x/nothings/y')).code).toBe(404);
      expect((await api.raw('GET', '/nothing')).text).toBe('404 page not found\n');
      expect((await api.raw('GET', '/apis/nothing.io/v1')).code).toBe(404);
    },
  },
  {
    name: 'bodies and answers are JSON',
    async run(api) {
      const plain = await api.post('leases', JSON.stringify(lease('a')), { type: 'text/plain' });
      expect(plain.code).toBe(415);
      const typed = await api.post('leases', lease('b'), { type: 'application/json; charset=utf-8' });
      expect(typed.code).toBe(201);
      const headers = { accept: 'application/json;as=Secret;v=v1, application/json' };
      const answer = await api.get('leases/b', { headers });
      expect(answer.code).toBe(200);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.headers['cache-control']).toBe('no-cache, private');
      expect(answer.text.endsWith('}\n')).toBe(true);
    },
  },
  {
    name: 'a wrong token is unauthorized',
    async run(api) {
      const answer = await api.get('leases', { headers: { authorization: 'Bearer wrong' } });
      expect(answer.code).toBe(401);
      expect(answer.body.reason).toBe('Unauthorized');
    },
  },
  {
    name: 'a body over three MiB is too large',
    async run(api) {
      const body = JSON.stringify(
        lease('a', { metadata: { annotations: { a: 'x'.repeat(3 * 1024 * 1024) } } }),
      );
      const answer = await api.post('leases', body);
      expect(answer.code).toBe(413);
    },
  },
  {
    name: 'health is told to anybody',
    async run(api) {
      for (const path of ['/healthz', '/livez', '/readyz'])
        expect((await api.raw('GET', path)).text).toBe('ok');
      expect((await api.client.call('GET', '/version')).body).toMatchObject({ major: '1' });
    },
  },
  {
    name: 'namespaces are found and created',
    async run(api) {
      const found = await api.raw('GET', `/api/v1/namespaces/${api.namespace}`);
      expect(found.body.status.phase).toBe('Active');
      expect((await api.raw('GET', '/api/v1/namespaces/no-such-namespace')).code).toBe(404);
      const dotted = { metadata: { name: 'with.dots' } };
      expect((await api.raw('POST', '/api/v1/namespaces', { body: dotted })).code).toBe(422);
      const again = { metadata: { name: api.namespace } };
      expect((await api.raw('POST', '/api/v1/namespaces', { body: again })).code).toBe(409);
    },
  },
  {
    name: 'resources are discovered',
    async run(api) {
      expect((await api.raw('GET', '/apis/coordination.k8s.io')).code).toBe(200);
      const leases = await api.client.call('GET', '/apis/coordination.k8s.io/v1');
      expect(leases.body.resources[0]).toMatchObject({ name: 'leases', kind: 'Lease', namespaced: true });
      const core = await api.client.call('GET', '/api/v1');
      const names = core.body.resources.map(({ name }: { name: string }) => name);
      expect(names).toEqual(
        expect.arrayContaining(['pods', 'pods/status', 'events', 'configmaps', 'secrets', 'namespaces']),
      );
      expect((await api.client.call('GET', '/api')).body.versions).toEqual(['v1']);
    },
  },
];
