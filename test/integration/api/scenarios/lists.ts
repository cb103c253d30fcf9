import { expect } from 'vitest';
import type { Session } from '../session.ts';
import { lease, type Scenario } from './scenario.ts';

async function several(api: Session): Promise<void> {
  await api.post('leases', lease('a', { metadata: { labels: { app: 'x', zone: '1' } } }));
  await api.post('leases', lease('b', { metadata: { labels: { app: 'y', zone: '2' } } }));
  await api.post('leases', lease('b-c', { metadata: { labels: { app: 'x' } } }));
  await api.post('leases', lease('d', { metadata: { labels: undefined } }));
}

const names = (answer: { body: { items: { metadata: { name: string } }[] } }): string[] =>
  answer.body.items.map(({ metadata }) => metadata.name);

const SELECTORS: readonly (readonly [string, readonly string[]])[] = [
  ['app=x', ['a', 'b-c']],
  ['app==x,zone=1', ['a']],
  ['app!=x', ['b', 'd']],
  ['app in (x,y)', ['a', 'b', 'b-c']],
  ['app notin (y)', ['a', 'b-c', 'd']],
  ['zone', ['a', 'b']],
  ['!zone', ['b-c', 'd']],
  ['zone>1', ['b']],
  ['zone<2', ['a']],
  ['zone=', []],
  ['app in (x),!zone', ['b-c']],
];
const BAD_SELECTORS = [
  'app===x',
  'app in x',
  'app in (x',
  'app=-',
  'a b=c',
  'app=x zone',
  'app>x',
  ',',
  'app,',
  '(x)',
  'a/b/c=d',
];

export const listScenarios: readonly Scenario[] = [
  {
    name: 'a list has its own resourceVersion and items without kind',
    async run(api) {
      await several(api);
      const answer = await api.get('leases');
      expect(answer.body).toMatchObject({ kind: 'LeaseList', apiVersion: 'coordination.k8s.io/v1' });
      expect(Number(answer.body.metadata.resourceVersion)).toBeGreaterThan(0);
      expect(names(answer)).toEqual(['a', 'b', 'b-c', 'd']);
      expect(answer.body.items[0].kind).toBeUndefined();
    },
  },
  {
    name: 'a list is selected by labels',
    async run(api) {
      await several(api);
      for (const [selector, expected] of SELECTORS) {
        const answer = await api.get(`leases?labelSelector=${encodeURIComponent(selector)}`);
        expect(names(answer), selector).toEqual(expected);
      }
      for (const selector of BAD_SELECTORS) {
        const answer = await api.get(`leases?labelSelector=${encodeURIComponent(selector)}`);
        expect(answer.code, selector).toBe(400);
      }
    },
  },
  {
    name: 'a list is selected by name and namespace',
    async run(api) {
      await several(api);
      const select = (selector: string) => api.get(`leases?fieldSelector=${encodeURIComponent(selector)}`);
      expect(names(await select('metadata.name=b'))).toEqual(['b']);
      expect(names(await select('metadata.name!=b'))).toEqual(['a', 'b-c', 'd']);
      expect(names(await select(`metadata.name==b,metadata.namespace=${api.namespace}`))).toEqual(['b']);
      expect(names(await select('metadata.name=b,metadata.namespace=other'))).toEqual([]);
      expect((await select('spec.holderIdentity=x')).code).toBe(400);
      expect((await select('metadata.name')).code).toBe(400);
    },
  },
  {
    name: 'all namespaces are listed together',
    async run(api) {
      await several(api);
      const selector = encodeURIComponent(`metadata.name=a,metadata.namespace=${api.namespace}`);
      const answer = await api.raw('GET', `/apis/coordination.k8s.io/v1/leases?fieldSelector=${selector}`);
      expect(answer.body.items).toHaveLength(1);
    },
  },
  {
    name: 'a list comes in pages of one version',
    async run(api) {
      await several(api);
      const first = await api.get('leases?limit=2');
      expect(names(first)).toEqual(['a', 'b']);
      expect(first.body.metadata.remainingItemCount).toBe(2);
      await api.post('leases', lease('c'));
      const token = first.body.metadata.continue;
      const second = await api.client.call('GET', api.path(`leases?limit=2&continue=${token}`));
      expect(names(second)).toEqual(['b-c', 'd']);
      expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      expect(second.body.metadata.continue).toBeUndefined();
      const selected = await api.get('leases?limit=1&labelSelector=app%3Dx');
      expect(selected.body.metadata.remainingItemCount).toBeUndefined();
      expect(selected.body.metadata.continue).toBeDefined();
      expect((await api.get('leases?limit=1&continue=zzz')).code).toBe(400);
      expect((await api.get('leases?limit=x')).code).toBe(400);
    },
  },
  {
    name: 'a list may be asked for at a version',
    async run(api) {
      await several(api);
      const then = (await api.client.call('GET', api.path('leases'))).body.metadata.resourceVersion;
      await api.delete('leases/a');
      const at = (query: string) => api.client.call('GET', api.path(`leases?${query}`));
      const exact = await at(`resourceVersion=${then}&resourceVersionMatch=Exact`);
      expect(names(exact)).toEqual(['a', 'b', 'b-c', 'd']);
      expect(exact.body.metadata.resourceVersion).toBe(then);
      expect(names(await at(`resourceVersion=${then}&resourceVersionMatch=NotOlderThan`))).toEqual([
        'b',
        'b-c',
        'd',
      ]);
      expect((await api.get('leases?resourceVersion=0')).code).toBe(200);
    },
  },
  {
    name: 'contradictory versions are refused',
    async run(api) {
      const queries = [
        'resourceVersion=0&resourceVersionMatch=Exact',
        'resourceVersion=3&resourceVersionMatch=Almost',
        'resourceVersionMatch=Exact',
        'sendInitialEvents=true',
        'watch=1&resourceVersionMatch=NotOlderThan',
        'watch=1&sendInitialEvents=true',
      ];
      for (const query of queries) expect((await api.get(`leases?${query}`)).code, query).toBe(422);
      expect((await api.get('leases?resourceVersion=abc')).code).toBe(400);
      expect((await api.get('leases?watch=1&resourceVersion=abc')).code).toBe(500);
      expect((await api.get('leases?watch=1&timeoutSeconds=x')).code).toBe(400);
      await api.post('leases', lease('a'));
      expect((await api.get('leases/a?resourceVersion=abc')).code).toBe(500);
      expect((await api.get('leases/a?resourceVersion=0')).code).toBe(200);
    },
  },
  {
    name: 'a version that is not there yet is waited for, then told',
    async run(api) {
      await api.post('leases', lease('a'));
      const answers = await Promise.all([
        api.client.call('GET', api.path('leases?resourceVersion=99999999')),
        api.client.call('GET', api.path('leases/a?resourceVersion=99999999')),
      ]);
      for (const answer of answers) {
        expect(answer.code).toBe(504);
        expect(answer.body).toMatchObject({ reason: 'Timeout', details: { retryAfterSeconds: 1 } });
        expect(answer.headers['retry-after']).toBe('1');
      }
      api.transcript.push(answers.map(({ code, body }) => ({ code, body })));
    },
  },
];
