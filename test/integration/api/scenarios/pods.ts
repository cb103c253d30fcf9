import { expect } from 'vitest';
import { pod, type Scenario } from './scenario.ts';

export const podScenarios: readonly Scenario[] = [
  {
    name: 'a pod gets its defaults and is relabelled',
    async run(api) {
      const created = await api.post('pods', pod('demo-0'));
      expect(created.code).toBe(201);
      expect(created.body.status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
      expect(created.body.metadata.generation).toBe(1);
      const labelled = await api.merge('pods/demo-0', {
        metadata: { labels: { 'pgwarden.dev/role': 'primary' } },
      });
      expect(labelled.body.metadata.labels).toEqual({ app: 'pgwarden', 'pgwarden.dev/role': 'primary' });
      expect(labelled.body.metadata.generation).toBe(1);
      const removed = await api.strategic('pods/demo-0', {
        metadata: { labels: { 'pgwarden.dev/role': null } },
      });
      expect(removed.body.metadata.labels).toEqual({ app: 'pgwarden' });
      expect((await api.get('pods?labelSelector=app%3Dpgwarden')).body.items).toHaveLength(1);
    },
  },
  {
    name: 'the spec of a pod is fixed but for its images',
    async run(api) {
      await api.post('pods', pod('demo-0'));
      const changed = await api.merge('pods/demo-0', { spec: { hostname: 'other' } });
      expect(changed.code).toBe(422);
      expect(changed.body.message).toContain('pod updates may not change fields other than');
      const image = { spec: { containers: [{ name: 'postgres', image: 'postgres:18' }] } };
      const renewed = await api.strategic('pods/demo-0', image);
      expect(renewed.code).toBe(200);
      expect(renewed.body.metadata.generation).toBe(2);
      await api.post('pods', pod('two', { containers: ['a', 'b'].map((name) => ({ name, image: 'x:1' })) }));
      const second = { spec: { containers: [{ name: 'b', image: 'x:2' }] } };
      const both = await api.strategic('pods/two', second);
      expect(both.body.spec.containers.map(({ image }: { image: string }) => image)).toEqual(['x:1', 'x:2']);
    },
  },
  {
    name: 'the status of a pod has a path of its own',
    async run(api) {
      await api.post('pods', pod('demo-0'));
      const change = {
        metadata: { labels: { s: '1' } },
        spec: { nodeName: 'x' },
        status: { phase: 'Running', podIP: '10.1.2.3' },
      };
      const updated = await api.merge('pods/demo-0/status', change);
      expect(updated.body.status).toMatchObject({ phase: 'Running', podIPs: [{ ip: '10.1.2.3' }] });
      expect(updated.body.spec.nodeName).toBeUndefined();
      expect((await api.get('pods/demo-0/status')).body).toEqual(updated.body);
      const unchanged = await api.merge('pods/demo-0', { status: { phase: 'Failed' } });
      expect(unchanged.body.status.phase).toBe('Running');
      const selector = encodeURIComponent('status.phase=Running,spec.nodeName=');
      expect((await api.get(`pods?fieldSelector=${selector}`)).body.items).toHaveLength(1);
      expect((await api.get('pods?fieldSelector=spec.colour%3Dred')).code).toBe(400);
      expect((await api.get('leases/demo-0/status')).code).toBe(404);
    },
  },
  {
    name: 'a pod is replaced with or without a resourceVersion, and never created by it',
    async run(api) {
      const { body } = await api.post('pods', pod('demo-0'));
      expect((await api.put('pods/demo-0', pod('demo-0'))).code).toBe(200);
      await api.merge('pods/demo-0', { metadata: { annotations: { a: 'b' } } });
      expect((await api.put('pods/demo-0', body)).code).toBe(409);
      expect((await api.put('pods/absent', pod('absent'))).code).toBe(404);
    },
  },
  {
    name: 'a pod must have containers with names and images',
    async run(api) {
      expect((await api.post('pods', pod('bad', { containers: [] }))).code).toBe(422);
      expect((await api.post('pods', pod('bad', { containers: [{ name: 'Upper' }] }))).code).toBe(422);
      expect((await api.post('pods', pod('bad', { containers: [{ image: 'x:1' }] }))).code).toBe(422);
    },
  },
  {
    name: 'a pod on a node is deleted after its grace period, or at once when told so',
    async run(api) {
      await api.post('pods', pod('demo-0', { nodeName: 'no-such-node' }));
      const asked = await api.delete('pods/demo-0');
      expect(asked.body.metadata).toMatchObject({ deletionGracePeriodSeconds: 30, generation: 2 });
      expect((await api.get('pods/demo-0')).code).toBe(200);
      const forced = await api.delete('pods/demo-0', { gracePeriodSeconds: 0 });
      expect(forced.body.metadata.deletionGracePeriodSeconds).toBe(0);
      expect((await api.get('pods/demo-0')).code).toBe(404);
    },
  },
  {
    name: 'the quality of service of a pod follows from its resources',
    async run(api) {
      const container = (resources: object) => ({ containers: [{ name: 'c', image: 'i:1', resources }] });
      const classes = async (name: string, resources: object): Promise<string> =>
        (await api.post('pods', pod(name, container(resources)))).body.status.qosClass;
      expect(await classes('a', { requests: { cpu: '1' } })).toBe('Burstable');
      expect(await classes('b', { limits: { cpu: '1', memory: '1Gi' } })).toBe('Guaranteed');
    },
  },
];
