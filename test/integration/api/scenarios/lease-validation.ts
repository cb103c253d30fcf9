import { expect } from 'vitest';
import { lease, type Scenario } from './scenario.ts';

/** Values of `spec` and what they must give. */
const SPECS: readonly { readonly spec: object; readonly code: number; readonly says: string }[] = [
  { spec: { leaseDurationSeconds: 0 }, code: 422, says: 'must be greater than 0' },
  { spec: { leaseDurationSeconds: -3 }, code: 422, says: 'must be greater than 0' },
  { spec: { leaseTransitions: -1 }, code: 422, says: 'must be greater than or equal to 0' },
  { spec: { leaseDurationSeconds: -1, leaseTransitions: -1 }, code: 422, says: '[spec.leaseDurationSeconds' },
  { spec: { leaseDurationSeconds: '10' }, code: 400, says: 'cannot unmarshal string' },
  { spec: { leaseDurationSeconds: 1.5 }, code: 400, says: 'cannot unmarshal number 1.5' },
  { spec: { leaseDurationSeconds: 3_000_000_000 }, code: 400, says: 'of type int32' },
  { spec: { holderIdentity: 7 }, code: 400, says: 'LeaseSpec.spec.holderIdentity' },
  { spec: { holderIdentity: { a: 1 } }, code: 400, says: 'cannot unmarshal object' },
  { spec: { renewTime: '2024-05-01T10:00:00Z' }, code: 400, says: 'cannot parse "Z" as ".000000"' },
  { spec: { renewTime: '2024-05-01T10:00:00.123Z' }, code: 400, says: 'cannot parse ".123Z"' },
  { spec: { renewTime: '2024-05-01T10:00:00.1234567Z' }, code: 400, says: 'cannot parse "7Z"' },
  { spec: { renewTime: '2024-05-01 10:00:00.123456Z' }, code: 400, says: 'as "T"' },
  { spec: { renewTime: '2024-13-01T10:00:00.123456Z' }, code: 400, says: 'month out of range' },
  { spec: { renewTime: '2024-02-30T10:00:00.123456Z' }, code: 400, says: 'day out of range' },
  { spec: { renewTime: '2024-05-01T25:00:00.123456Z' }, code: 400, says: 'hour out of range' },
  { spec: { renewTime: '2024-05-01T10:00:00.123456' }, code: 400, says: 'as "Z07:00"' },
  { spec: { renewTime: 'soon' }, code: 400, says: 'as "2006"' },
  { spec: { renewTime: 12 }, code: 400, says: 'LeaseSpec.spec.renewTime of type string' },
];

const METADATA: readonly { readonly metadata: object; readonly says: string }[] = [
  { metadata: { name: 'Upper_Case' }, says: 'lowercase RFC 1123 subdomain' },
  { metadata: { name: 'a'.repeat(254) }, says: 'must be no more than 253' },
  { metadata: { name: undefined }, says: 'name or generateName is required' },
  { metadata: { labels: { 'a b': 'c' } }, says: 'name part must consist of' },
  { metadata: { labels: { a: '-' } }, says: 'a valid label must be' },
  { metadata: { labels: { a: 'x'.repeat(64) } }, says: 'must be no more than 63' },
  { metadata: { labels: { 'a/b/c': 'd' } }, says: 'a qualified name must consist of' },
  { metadata: { labels: { '/b': 'd' } }, says: 'prefix part must be non-empty' },
  { metadata: { labels: { 'UP/b': 'd' } }, says: 'prefix part a lowercase' },
  { metadata: { annotations: { 'a b': 'c' } }, says: 'metadata.annotations' },
  { metadata: { annotations: { a: 'x'.repeat(262_144) } }, says: 'may not be more than 262144' },
  { metadata: { finalizers: ['a b'] }, says: 'metadata.finalizers' },
  {
    metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p' }] },
    says: 'must not be empty',
  },
];

export const leaseValidationScenarios: readonly Scenario[] = [
  {
    name: 'the fields of a Lease are checked on create',
    async run(api) {
      for (const { spec, code, says } of SPECS) {
        const answer = await api.post('leases', lease('checked', { spec }));
        expect(answer.code, says).toBe(code);
        expect(answer.body.message).toContain(says);
      }
    },
  },
  {
    name: 'the fields of a Lease are checked on update',
    async run(api) {
      const { body } = await api.post('leases', lease('checked'));
      const { resourceVersion } = body.metadata;
      for (const { spec, code, says } of SPECS) {
        const answer = await api.put(
          'leases/checked',
          lease('checked', { metadata: { resourceVersion }, spec }),
        );
        expect(answer.code, says).toBe(code);
      }
      for (const { metadata, says } of METADATA.filter((entry) => !('name' in entry.metadata))) {
        const changed = lease('checked', { metadata: { ...metadata, resourceVersion } });
        expect((await api.put('leases/checked', changed)).code, says).toBe(422);
      }
    },
  },
  {
    name: 'metadata is checked on create',
    async run(api) {
      for (const { metadata, says } of METADATA) {
        const answer = await api.post('leases', lease('checked', { metadata }));
        expect(answer.code, says).toBe(422);
        expect(answer.body.message).toContain(says);
      }
      expect((await api.post('leases', lease('checked', { metadata: { labels: { a: 1 } } }))).code).toBe(400);
      expect((await api.post('leases', lease('checked', { metadata: { labels: ['a'] } }))).code).toBe(400);
    },
  },
  {
    name: 'times are kept to the microsecond and written in UTC',
    async run(api) {
      const spec = {
        acquireTime: '2024-05-01T12:30:00.000000+02:00',
        renewTime: '2024-12-31T23:59:59.999999-01:30',
      };
      const { body } = await api.post('leases', lease('times', { spec }));
      expect(body.spec.acquireTime).toBe('2024-05-01T10:30:00.000000Z');
      expect(body.spec.renewTime).toBe('2025-01-01T01:29:59.999999Z');
    },
  },
  {
    name: 'null and absent fields are the same; an empty holder is a value',
    async run(api) {
      const spec = { holderIdentity: '', leaseDurationSeconds: null, acquireTime: null, renewTime: null };
      const { body } = await api.post('leases', lease('released', { spec }));
      expect(body.spec).toEqual({ holderIdentity: '', leaseTransitions: 1 });
      expect((await api.post('leases', { metadata: { name: 'bare' } })).body.spec).toEqual({});
    },
  },
  {
    name: 'unknown fields are dropped with a warning, or refused when asked to be strict',
    async run(api) {
      const strange = { ...lease('strange', { spec: { colour: 'red' } }), extra: 1 };
      const warned = await api.post('leases', strange);
      expect(warned.code).toBe(201);
      expect(warned.headers.warning).toContain('unknown field \\"spec.colour\\"');
      const strict = await api.post('leases?fieldValidation=Strict', lease('b', { spec: { colour: 'red' } }));
      expect(strict.code).toBe(400);
      expect(strict.body.message).toContain('strict decoding error: unknown field "spec.colour"');
      const ignored = await api.post(
        'leases?fieldValidation=Ignore',
        lease('c', { spec: { colour: 'red' } }),
      );
      expect(ignored.headers.warning).toBeUndefined();
      expect((await api.post('leases?fieldValidation=Maybe', lease('d'))).code).toBe(422);
      const both = await api.post('leases', lease('e', { spec: { colour: 'red', leaseTransitions: -1 } }));
      expect(both.code).toBe(422);
      expect(both.headers.warning).toContain('colour');
    },
  },
  {
    name: 'a body that is not a Lease is a bad request',
    async run(api) {
      const bodies = [
        '',
        '{',
        '[]',
        '"text"',
        '{"metadata":{}}x',
        '{"a" 1}',
        '{"a":tru}',
        "{'a':1}",
        '{"a":1,}',
        '[1',
      ];
      for (const body of bodies) expect((await api.post('leases', body)).code, body).toBe(400);
      expect((await api.post('leases', { ...lease('a'), kind: 'Pod' })).code).toBe(400);
      expect((await api.post('leases', { ...lease('a'), apiVersion: 'v1' })).code).toBe(400);
      expect((await api.post('leases', 'null')).code).toBe(422);
    },
  },
];
