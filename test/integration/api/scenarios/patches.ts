import { expect } from 'vitest';
import { lease, type Scenario } from './scenario.ts';

export const patchScenarios: readonly Scenario[] = [
  {
    name: 'a merge patch changes labels and annotations and removes with null',
    async run(api) {
      await api.post('leases', lease('p'));
      const set = await api.merge('leases/p', {
        metadata: { labels: { role: 'primary' }, annotations: { a: 'b' } },
      });
      expect(set.body.metadata).toMatchObject({
        labels: { app: 'pgwarden', role: 'primary' },
        annotations: { a: 'b' },
      });
      const removed = await api.merge('leases/p', {
        metadata: { labels: { role: null }, annotations: null },
      });
      expect(removed.body.metadata.labels).toEqual({ app: 'pgwarden' });
      const same = await api.merge('leases/p', {});
      expect(same.body.metadata.resourceVersion).toBe(removed.body.metadata.resourceVersion);
    },
  },
  {
    name: 'a strategic merge patch does the same for maps',
    async run(api) {
      await api.post('leases', lease('p'));
      await api.strategic('leases/p', { metadata: { labels: { role: 'primary' }, annotations: { a: 'b' } } });
      const removed = await api.strategic('leases/p', { metadata: { labels: { app: null } } });
      expect(removed.body.metadata.labels).toEqual({ role: 'primary' });
      const replaced = await api.strategic('leases/p', {
        metadata: { labels: { $patch: 'replace', only: '1' } },
      });
      expect(replaced.body.metadata.labels).toEqual({ only: '1' });
      await api.strategic('leases/p', { metadata: { finalizers: ['a.io/x'] } });
      const both = await api.strategic('leases/p', { metadata: { finalizers: ['a.io/y'] } });
      // New items come first; those that were there keep their order.
      expect(both.body.metadata.finalizers).toEqual(['a.io/y', 'a.io/x']);
      await api.strategic('leases/p', { metadata: { finalizers: ['a.io/z', 'a.io/x', 'a.io/w'] } });
      await api.merge('leases/p', { metadata: { finalizers: null } });
    },
  },
  {
    name: 'a JSON patch applies all of its operations or none',
    async run(api) {
      await api.post('leases', lease('p'));
      const label = '/metadata/labels/pgwarden.dev~1role';
      const added = await api.json('leases/p', [
        { op: 'test', path: '/spec/leaseTransitions', value: 1 },
        { op: 'add', path: label, value: 'primary' },
        { op: 'replace', path: '/spec/leaseTransitions', value: 2 },
        { op: 'copy', from: label, path: '/metadata/labels/copy' },
        { op: 'move', from: '/metadata/labels/copy', path: '/metadata/labels/moved' },
        { op: 'remove', path: '/spec/acquireTime' },
        { op: 'add', path: '/metadata/finalizers', value: ['a.io/x'] },
        { op: 'add', path: '/metadata/finalizers/0', value: 'a.io/w' },
        { op: 'add', path: '/metadata/finalizers/-', value: 'a.io/y' },
        { op: 'remove', path: '/metadata/finalizers/1' },
      ]);
      expect(added.code).toBe(200);
      expect(added.body.metadata.labels).toEqual({
        app: 'pgwarden',
        'pgwarden.dev/role': 'primary',
        moved: 'primary',
      });
      expect(added.body.metadata.finalizers).toEqual(['a.io/w', 'a.io/y']);
      const failed = await api.json('leases/p', [
        { op: 'replace', path: '/spec/leaseTransitions', value: 9 },
        { op: 'test', path: '/spec/holderIdentity', value: 'nobody' },
      ]);
      expect(failed.code).toBe(422);
      expect((await api.get('leases/p')).body.spec.leaseTransitions).toBe(2);
      for (const operation of [
        { op: 'remove', path: '/spec/absent' },
        { op: 'add', path: '/absent/below', value: 1 },
        { op: 'bend', path: '/spec' },
        { op: 'copy', from: '/absent/below', path: '/spec/holderIdentity' },
        { op: 'move', from: '/spec/absent', path: '/spec/holderIdentity' },
        { op: 'remove', path: '/metadata/finalizers/7' },
      ]) {
        expect((await api.json('leases/p', [operation])).code, JSON.stringify(operation)).toBe(422);
      }
      await api.merge('leases/p', { metadata: { finalizers: null } });
    },
  },
  {
    name: 'a patch with a resourceVersion holds only for that version',
    async run(api) {
      const { body } = await api.post('leases', lease('p'));
      const { resourceVersion } = body.metadata;
      expect((await api.merge('leases/p', { metadata: { resourceVersion, labels: { a: '1' } } })).code).toBe(
        200,
      );
      const late = await api.merge('leases/p', { metadata: { resourceVersion, labels: { a: '2' } } });
      expect(late.code).toBe(409);
      expect(late.body.reason).toBe('Conflict');
    },
  },
  {
    name: 'a patch cannot change what identifies an object',
    async run(api) {
      await api.post('leases', lease('p'));
      expect((await api.merge('leases/p', { metadata: { name: 'q' } })).code).toBe(400);
      expect((await api.merge('leases/p', { metadata: { name: null } })).code).toBe(400);
      expect((await api.merge('leases/p', { metadata: { namespace: 'q' } })).code).toBe(400);
      const uid = '01234567-89ab-4cde-8f01-23456789abcd';
      expect((await api.merge('leases/p', { metadata: { uid } })).code).toBe(422);
      expect(
        (await api.merge('leases/p', { metadata: { deletionTimestamp: '2024-01-01T00:00:00Z' } })).code,
      ).toBe(422);
      expect(
        (await api.merge('leases/p', { metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } })).code,
      ).toBe(200);
      expect((await api.merge('leases/p', { kind: 'Pod' })).code).toBe(422);
    },
  },
  {
    name: 'a patched object is checked like any other',
    async run(api) {
      await api.post('leases', lease('p'));
      expect((await api.merge('leases/p', { spec: { leaseDurationSeconds: -1 } })).code).toBe(422);
      expect((await api.merge('leases/p', { spec: { renewTime: 'soon' } })).code).toBe(422);
      expect((await api.merge('leases/p', { metadata: { labels: { a: 1 } } })).code).toBe(422);
      expect((await api.merge('leases/p', { metadata: { labels: ['a'] } })).code).toBe(422);
      const warned = await api.merge('leases/p', { spec: { colour: 'red', leaseDurationSeconds: null } });
      expect(warned.headers.warning).toContain('spec.colour');
      expect(warned.body.spec.leaseDurationSeconds).toBeUndefined();
    },
  },
  {
    name: 'a patch of another type or form is refused',
    async run(api) {
      await api.post('leases', lease('p'));
      for (const type of ['application/json', 'text/plain']) {
        expect((await api.raw('PATCH', api.path('leases/p'), { body: {}, type })).code).toBe(415);
      }
      for (const body of ['{', '[]', '7', '']) {
        expect((await api.merge('leases/p', body)).code, body).toBe(400);
        expect((await api.strategic('leases/p', body)).code, body).toBe(400);
      }
      expect((await api.merge('leases/p', 'null')).code).toBe(400);
      expect((await api.strategic('leases/p', 'null')).code).toBe(200);
      for (const body of ['{', '{}', '7']) expect((await api.json('leases/p', body)).code, body).toBe(400);
      expect((await api.merge('leases/absent', {})).code).toBe(404);
    },
  },
];
