import { expect } from 'vitest';
import { lease, type Scenario } from './scenario.ts';

export const leaseScenarios: readonly Scenario[] = [
  {
    name: 'a Lease is created, read and replaced under optimistic concurrency',
    async run(api) {
      expect((await api.get('leases/a')).code).toBe(404);
      const created = await api.post('leases', lease('a'));
      expect(created.code).toBe(201);
      expect(created.body.metadata).toMatchObject({ name: 'a', namespace: api.namespace });
      const read = await api.get('leases/a');
      expect(read.body).toEqual(created.body);
      const { resourceVersion } = created.body.metadata;

      const next = lease('a', { metadata: { resourceVersion }, spec: { leaseTransitions: 2 } });
      const replaced = await api.put('leases/a', next);
      expect(replaced.code).toBe(200);
      expect(Number(replaced.body.metadata.resourceVersion)).toBeGreaterThan(Number(resourceVersion));
      expect(replaced.body.metadata.uid).toBe(created.body.metadata.uid);

      const lost = await api.put('leases/a', next);
      expect(lost.code).toBe(409);
      expect(lost.body.reason).toBe('Conflict');
      expect(lost.body.message).toContain('the object has been modified');
      expect((await api.get('leases/a')).body).toEqual(replaced.body);
    },
  },
  {
    name: 'a replacement that changes nothing keeps the resourceVersion',
    async run(api) {
      const created = await api.post('leases', lease('same'));
      const again = await api.put('leases/same', created.body);
      expect(again.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
    },
  },
  {
    name: 'a second create of the same name is AlreadyExists',
    async run(api) {
      await api.post('leases', lease('twice'));
      const second = await api.post('leases', lease('twice', { spec: { holderIdentity: 'another' } }));
      expect(second.code).toBe(409);
      expect(second.body).toMatchObject({
        reason: 'AlreadyExists',
        details: { name: 'twice', kind: 'leases' },
      });
    },
  },
  {
    name: 'PUT of an absent Lease creates it, whatever resourceVersion it carries',
    async run(api) {
      expect((await api.put('leases/new', lease('new'))).code).toBe(201);
      const versioned = lease('newer', { metadata: { resourceVersion: '7' } });
      expect((await api.put('leases/newer', versioned)).code).toBe(201);
    },
  },
  {
    name: 'PUT without a resourceVersion is invalid for a Lease that is there',
    async run(api) {
      await api.post('leases', lease('a'));
      const answer = await api.put('leases/a', lease('a'));
      expect(answer.code).toBe(422);
      expect(answer.body.message).toContain('must be specified for an update');
    },
  },
  {
    name: 'PUT with the uid of another incarnation is a Conflict',
    async run(api) {
      const uid = '01234567-89ab-4cde-8f01-23456789abcd';
      const created = await api.post('leases', lease('a'));
      const { resourceVersion } = created.body.metadata;
      expect((await api.put('leases/a', lease('a', { metadata: { resourceVersion, uid } }))).code).toBe(409);
      expect((await api.put('leases/absent', lease('absent', { metadata: { uid } }))).code).toBe(409);
    },
  },
  {
    name: 'what only the server may set is ignored or refused',
    async run(api) {
      const own = { creationTimestamp: '2001-01-01T00:00:00Z', generation: 5, selfLink: '/x' };
      const created = await api.post('leases', lease('own', { metadata: own }));
      expect(created.body.metadata.creationTimestamp).not.toBe(own.creationTimestamp);
      const versioned = lease('versioned', { metadata: { resourceVersion: '5' } });
      const refused = await api.post('leases', versioned);
      expect(refused.code).toBe(500);
      expect(refused.body.message).toBe('resourceVersion should not be set on objects to be created');
    },
  },
  {
    name: 'names and namespaces of body and URL must agree',
    async run(api) {
      await api.post('leases', lease('a'));
      expect((await api.put('leases/b', lease('a'))).code).toBe(400);
      expect((await api.put('leases/a', { ...lease('a'), metadata: {} })).code).toBe(400);
      expect((await api.post('leases', lease('c', { metadata: { namespace: 'elsewhere' } }))).code).toBe(400);
      expect((await api.put('leases/a', lease('a', { metadata: { namespace: 'elsewhere' } }))).code).toBe(
        400,
      );
    },
  },
  {
    name: 'nothing is created in a namespace that is not there; reading it finds nothing',
    async run(api) {
      const root = '/apis/coordination.k8s.io/v1/namespaces/no-such-namespace/leases';
      const created = await api.raw('POST', root, { body: lease('a') });
      expect(created.code).toBe(404);
      expect(created.body.message).toBe('namespaces "no-such-namespace" not found');
      expect((await api.raw('PUT', `${root}/a`, { body: lease('a') })).code).toBe(404);
      expect((await api.raw('GET', `${root}/a`)).code).toBe(404);
      expect((await api.raw('GET', root)).body.items).toEqual([]);
    },
  },
  {
    name: 'generateName gives a free name',
    async run(api) {
      const template = lease('', { metadata: { name: undefined, generateName: 'generated-' } });
      const first = await api.post('leases', template);
      const second = await api.post('leases', template);
      expect(first.body.metadata.name).toMatch(/^generated-[a-z0-9]{5}$/);
      expect(second.body.metadata.name).not.toBe(first.body.metadata.name);
    },
  },
  {
    name: 'a dry run answers as if it had happened',
    async run(api) {
      expect((await api.post('leases?dryRun=All', lease('dry'))).code).toBe(201);
      expect((await api.get('leases/dry')).code).toBe(404);
      expect((await api.post('leases?dryRun=Some', lease('dry'))).code).toBe(422);
      const { body } = await api.post('leases', lease('wet'));
      const tried = await api.merge('leases/wet?dryRun=All', { spec: { leaseTransitions: 9 } });
      expect(tried.body.spec.leaseTransitions).toBe(9);
      expect((await api.get('leases/wet')).body).toEqual(body);
    },
  },
];
