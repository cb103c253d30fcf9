import { expect } from 'vitest';
import { event, type Scenario } from './scenario.ts';

const configMap = (changes: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings' },
  data: { a: 'b' },
  binaryData: { z: 'AAE=' },
  ...changes,
});

const secret = (changes: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'password' },
  data: { a: 'YQ==' },
  stringData: { password: 'geheim' },
  ...changes,
});

export const recordScenarios: readonly Scenario[] = [
  {
    name: 'a ConfigMap is checked, replaced and, once immutable, fixed',
    async run(api) {
      expect((await api.post('configmaps', configMap())).code).toBe(201);
      for (const [changes, code] of [
        [{ data: { 'a b': 'c' } }, 422],
        [{ data: { a: 1 } }, 400],
        [{ data: { z: 'c' } }, 422],
        [{ binaryData: { z: '!!' } }, 400],
        [{ data: { '..a': 'c' } }, 422],
        [{ data: { a: 'x'.repeat(1024 * 1024 + 1) }, binaryData: {} }, 422],
      ] as const) {
        const answer = await api.post('configmaps', configMap({ metadata: { name: 'other' }, ...changes }));
        expect(answer.code, JSON.stringify(changes).slice(0, 80)).toBe(code);
      }
      expect((await api.put('configmaps/settings', configMap({ data: { a: 'c' } }))).code).toBe(200);
      expect((await api.put('configmaps/absent', configMap({ metadata: { name: 'absent' } }))).code).toBe(
        404,
      );
      expect((await api.put('configmaps/settings', configMap({ immutable: true }))).code).toBe(200);
      expect((await api.put('configmaps/settings', configMap())).code).toBe(422);
      expect(
        (await api.put('configmaps/settings', configMap({ immutable: true, data: { a: 'd' } }))).code,
      ).toBe(422);
      expect((await api.delete('configmaps/settings')).code).toBe(200);
    },
  },
  {
    name: 'a Secret takes text and keeps it in base64',
    async run(api) {
      const created = await api.post('secrets', secret());
      expect(created.body).toMatchObject({ type: 'Opaque', data: { password: 'Z2VoZWlt' } });
      expect(created.body.stringData).toBeUndefined();
      expect(
        (await api.merge('secrets/password', { stringData: { password: 'neu' } })).body.data.password,
      ).toBe('bmV1');
      expect((await api.put('secrets/password', secret({ type: 'other' }))).code).toBe(422);
      expect((await api.post('secrets', secret({ data: { a: '??' } }))).code).toBe(400);
      expect((await api.get('secrets?fieldSelector=type%3DOpaque')).body.items).toHaveLength(1);
      expect((await api.delete('secrets/password')).code).toBe(200);
    },
  },
  {
    name: 'an Event is reported under a generated name',
    async run(api) {
      const involvedObject = { apiVersion: 'v1', kind: 'Pod', namespace: api.namespace, name: 'demo-0' };
      const created = await api.post('events', event({ involvedObject }));
      expect(created.code).toBe(201);
      expect(created.body).toMatchObject({
        eventTime: null,
        reportingComponent: '',
        lastTimestamp: '2024-05-01T10:00:00Z',
      });
      await api.post('events', event({ involvedObject, type: 'Warning' }));
      const about = encodeURIComponent('involvedObject.name=demo-0,type=Warning,reason=Promoted');
      expect((await api.get(`events?fieldSelector=${about}`)).body.items).toHaveLength(1);
      expect((await api.get('events?fieldSelector=colour%3Dred')).code).toBe(400);
    },
  },
  {
    name: 'an Event is about something in its own namespace',
    async run(api) {
      const elsewhere = { kind: 'Pod', namespace: 'elsewhere', name: 'demo-0' };
      expect((await api.post('events', event({ involvedObject: elsewhere }))).code).toBe(422);
      const nowhere = { metadata: { name: 'named' }, involvedObject: { kind: 'Node', name: 'n' } };
      expect((await api.post('events', event(nowhere))).code).toBe(422);
    },
  },
  {
    name: 'an Event with an eventTime says who reports what',
    async run(api) {
      const involvedObject = { kind: 'Pod', namespace: api.namespace, name: 'demo-0' };
      const metadata = { name: 'modern' };
      const timed = { metadata, involvedObject, eventTime: '2024-05-01T10:00:00.000000Z' };
      expect((await api.post('events', event(timed))).code).toBe(422);
      const full = {
        action: 'Promote',
        reportingComponent: 'pgwarden.dev/agent',
        reportingInstance: 'demo-0',
      };
      expect((await api.post('events', event({ ...timed, ...full }))).code).toBe(201);
      const counted = await api.strategic('events/modern', { count: 2 });
      expect(counted.body.count).toBe(2);
      expect(
        (await api.put('events/again', event({ metadata: { name: 'again' }, involvedObject }))).code,
      ).toBe(201);
      expect((await api.delete('events/again')).body.status).toBe('Success');
    },
  },
];
