import { expect } from 'vitest';
import { lease, type Scenario } from './scenario.ts';

export const deleteScenarios: readonly Scenario[] = [
  {
    name: 'a Lease is deleted once',
    async run(api) {
      const { body } = await api.post('leases', lease('d'));
      const deleted = await api.delete('leases/d');
      expect(deleted.code).toBe(200);
      expect(deleted.body).toMatchObject({
        kind: 'Status',
        status: 'Success',
        details: { uid: body.metadata.uid },
      });
      expect((await api.delete('leases/d')).code).toBe(404);
      const again = await api.post('leases', lease('d'));
      expect(again.body.metadata.uid).not.toBe(body.metadata.uid);
    },
  },
  {
    name: 'a delete holds only under its preconditions',
    async run(api) {
      const { body } = await api.post('leases', lease('d'));
      const { uid, resourceVersion } = body.metadata;
      const other = '01234567-89ab-4cde-8f01-23456789abcd';
      expect((await api.delete('leases/d', { preconditions: { uid: other } })).code).toBe(409);
      expect((await api.delete('leases/d', { preconditions: { resourceVersion: '1' } })).code).toBe(409);
      expect((await api.delete('leases/d', { preconditions: { uid, resourceVersion } })).code).toBe(200);
    },
  },
  {
    name: 'finalizers hold a deleted object until they are gone',
    async run(api) {
      await api.post('leases', lease('held', { metadata: { finalizers: ['a.io/x', 'a.io/y'] } }));
      const deleted = await api.delete('leases/held');
      expect(deleted.code).toBe(200);
      expect(deleted.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 0 });
      const again = await api.delete('leases/held');
      expect(again.body.metadata.resourceVersion).toBe(deleted.body.metadata.resourceVersion);
      expect((await api.merge('leases/held', { metadata: { finalizers: ['a.io/z'] } })).code).toBe(422);
      expect((await api.merge('leases/held', { metadata: { finalizers: ['a.io/y'] } })).code).toBe(200);
      expect((await api.merge('leases/held', { metadata: { finalizers: null } })).code).toBe(200);
      expect((await api.get('leases/held')).code).toBe(404);
    },
  },
  {
    name: 'wrong options of a delete are refused',
    async run(api) {
      await api.post('leases', lease('d'));
      expect((await api.delete('leases/d', { propagationPolicy: 'Sideways' })).code).toBe(422);
      expect((await api.delete('leases/d', 'x')).code).toBe(500);
      const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' };
      expect((await api.delete('leases/d', { ...options, dryRun: ['All'] })).code).toBe(200);
      expect((await api.delete('leases/d', options)).code).toBe(200);
      expect((await api.get('leases/d')).code).toBe(404);
    },
  },
  {
    name: 'a collection is deleted by selector',
    async run(api) {
      for (const name of ['a', 'b']) await api.post('leases', lease(name));
      await api.post('leases', lease('c', { metadata: { labels: { app: 'other' } } }));
      expect((await api.delete('leases?labelSelector=app%3Dpgwarden')).body.items).toHaveLength(2);
      expect((await api.get('leases')).body.items).toHaveLength(1);
    },
  },
];
