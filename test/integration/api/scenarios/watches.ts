import { expect } from 'vitest';
import type { Json } from '../raw-client.ts';
import { lease, type Scenario } from './scenario.ts';

const shown = (events: Json[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`);

export const watchScenarios: readonly Scenario[] = [
  {
    name: 'a watch without a version begins with what is there and goes on with what happens',
    async run(api) {
      await api.post('leases', lease('a'));
      await api.post('leases', lease('b'));
      const events = await api.watch('leases?watch=1&timeoutSeconds=20', 5, async () => {
        await api.merge('leases/a', { spec: { leaseTransitions: 2 } });
        await api.post('leases', lease('c'));
        await api.delete('leases/b');
      });
      // The first changes may be part of what was there: the watch may have begun after them.
      expect(shown(events).at(-1)).toBe('DELETED b');
      api.transcript.pop();
    },
  },
  {
    name: 'a watch from a version has every change after it, in order',
    async run(api) {
      const { body } = await api.post('leases', lease('a'));
      const from = body.metadata.resourceVersion;
      await api.merge('leases/a', { spec: { leaseTransitions: 2 } });
      await api.post('leases', lease('b'));
      await api.merge('leases/b', { metadata: { labels: { app: 'other' } } });
      await api.delete('leases/a');
      await api.post('leases', lease('a'));
      const events = await api.watch(`leases?watch=true&resourceVersion=${from}&timeoutSeconds=20`, 5);
      expect(shown(events)).toEqual(['MODIFIED a', 'ADDED b', 'MODIFIED b', 'DELETED a', 'ADDED a']);
      const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(events[3].object.spec.leaseTransitions).toBe(2);
    },
  },
  {
    name: 'for a watch with a selector, what leaves the selection is deleted',
    async run(api) {
      const { body } = await api.post('leases', lease('a', { metadata: { labels: { role: 'primary' } } }));
      const from = body.metadata.resourceVersion;
      await api.merge('leases/a', { metadata: { labels: { role: 'standby' } } });
      await api.merge('leases/a', { spec: { leaseTransitions: 7 } });
      await api.merge('leases/a', { metadata: { labels: { role: 'primary' } } });
      await api.delete('leases/a');
      const selector = 'labelSelector=role%3Dprimary';
      const events = await api.watch(
        `leases?watch=1&resourceVersion=${from}&timeoutSeconds=20&${selector}`,
        3,
      );
      expect(shown(events)).toEqual(['DELETED a', 'ADDED a', 'DELETED a']);
      expect(events[0].object.metadata.labels).toEqual({ role: 'primary' });
    },
  },
  {
    name: 'a watch may be for one name',
    async run(api) {
      const { body } = await api.post('leases', lease('a'));
      const from = body.metadata.resourceVersion;
      await api.post('leases', lease('b'));
      await api.merge('leases/a', { spec: { leaseTransitions: 2 } });
      const query = `watch=1&resourceVersion=${from}&timeoutSeconds=20&fieldSelector=metadata.name%3Da`;
      expect(shown(await api.watch(`leases?${query}`, 1))).toEqual(['MODIFIED a']);
    },
  },
  {
    name: 'initial events end with a bookmark that says so',
    async run(api) {
      await api.post('leases', lease('a'));
      await api.post('leases', lease('b'));
      const query = 'watch=1&timeoutSeconds=20&sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
      const events = await api.watch(`leases?${query}&allowWatchBookmarks=true`, 3);
      expect(events.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
      expect(events[2].object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
      expect(Number(events[2].object.metadata.resourceVersion)).toBeGreaterThan(0);
      const old = await api.watch(
        'leases?watch=1&timeoutSeconds=20&resourceVersion=0&allowWatchBookmarks=true',
        3,
      );
      expect(old.map(({ type }) => type)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
      const pods = await api.watch(`pods?${query}&allowWatchBookmarks=true`, 1);
      expect(pods[0].type).toBe('BOOKMARK');
      const configMaps = await api.watch(
        `configmaps?${query}&allowWatchBookmarks=true&labelSelector=none`,
        1,
      );
      expect(configMaps[0].object.kind).toBe('ConfigMap');
      expect((await api.watch(`events?${query}&allowWatchBookmarks=true`, 1))[0].type).toBe('BOOKMARK');
      expect((await api.watch(`secrets?${query}&allowWatchBookmarks=true`, 1))[0].type).toBe('BOOKMARK');
    },
  },
  {
    name: 'a watch ends after its timeout',
    async run(api) {
      const { body } = await api.post('leases', lease('a'));
      const from = body.metadata.resourceVersion;
      expect(await api.watch(`leases?watch=1&resourceVersion=${from}&timeoutSeconds=1`, 1)).toEqual([]);
    },
  },
  {
    name: 'the deletion of a pod that nobody runs is two changes',
    async run(api) {
      const template = {
        schedulerName: 'nobody',
        containers: [{ name: 'c', image: 'i:1' }],
        priority: undefined,
      };
      const { body } = await api.post('pods', { metadata: { name: 'p' }, spec: template });
      const from = body.metadata.resourceVersion;
      await api.delete('pods/p');
      const events = await api.watch(`pods?watch=1&resourceVersion=${from}&timeoutSeconds=20`, 2);
      expect(shown(events)).toEqual(['MODIFIED p', 'DELETED p']);
    },
  },
];
