import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import { PodAnnouncer } from '../../../src/kubernetes/announcer.ts';
import type { ObserveCall } from '../../../src/kubernetes/api-call.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { LeaseKeeper } from '../../../src/kubernetes/lease-keeper.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import type { StoreListener, SwapResult } from '../../../src/kubernetes/ports.ts';
import { RecordWriter } from '../../../src/kubernetes/record-writer.ts';
import { property, textProperty } from '../../../src/kubernetes/wire.ts';
import { HOLDER, member, record, until } from '../../unit/kubernetes/fixtures.ts';
import { type ApiUnderTest, type Opened, openEmbedded, openReal } from './api-under-test.ts';

const LONG = millis(10_000);
const SHORT = millis(300);
const NAMESPACE = 'default';

const servers = [
  { name: 'the embedded API', open: openEmbedded, isReal: false },
  { name: 'a real kube-apiserver', open: openReal, isReal: true },
];

for (const { name: serverName, open, isReal } of servers) {
  describe(`the cluster's Leases on ${serverName}`, () => {
    let opened: Opened | null = null;
    let api: ApiUnderTest;
    let client: ApiClient;
    let cluster: string;
    let store: LeaseClusterStore;

    beforeAll(async () => {
      opened = await open();
      if (opened.api === null) return;
      api = opened.api;
      client = await api.client();
    }, 15 * 60_000);

    afterAll(async () => {
      await opened?.api?.[Symbol.asyncDispose]();
    });

    beforeEach((context) => {
      if (opened?.api === null) context.skip(opened.reason);
      cluster = `c${randomBytes(4).toString('hex')}`;
      store = storeOf(client);
    });

    // The server may be somebody's own: leave it as it was.
    afterEach(async () => {
      if (opened?.api === null) return;
      const labelSelector = `pgwarden.dev/cluster=${cluster}`;
      const found = await client.request(
        { verb: 'list', resource: 'leases', namespace: NAMESPACE, query: { labelSelector } },
        LONG,
      );
      const items = property(found.body, 'items');
      for (const item of Array.isArray(items) ? items : []) {
        const name = textProperty(item, 'metadata', 'name');
        await client.request({ verb: 'delete', resource: 'leases', namespace: NAMESPACE, name }, LONG);
      }
    });

    const storeOf = (over: ApiClient): LeaseClusterStore =>
      new LeaseClusterStore({ client: over, namespace: NAMESPACE, cluster, log: silentLogger });

    const removeRecord = (): Promise<unknown> =>
      client.request({ verb: 'delete', resource: 'leases', namespace: NAMESPACE, name: cluster }, LONG);

    const swapped = (result: SwapResult | { outcome: 'declined' }) => {
      if (result.outcome !== 'swapped') throw new Error(JSON.stringify(result));
      return result.current;
    };

    it('live through creation, renewal, release, deletion and a new life', async () => {
      expect(await store.read(LONG)).toMatchObject({ outcome: 'absent' });
      const first = swapped(await store.create(record(), LONG));
      expect(first.record).toEqual(record());
      expect(await store.create(record(), LONG)).toEqual({ outcome: 'conflict' });
      const renewed = swapped(await store.swap(first.record, first.resourceVersion, LONG));
      expect(renewed.resourceVersion).not.toBe(first.resourceVersion);
      expect(await store.swap(first.record, first.resourceVersion, LONG)).toEqual({ outcome: 'conflict' });
      const released = swapped(await store.swap(record({ holder: '' }), renewed.resourceVersion, LONG));
      expect(await store.read(LONG)).toMatchObject({ outcome: 'found', current: released });
      await removeRecord();
      expect(await store.read(LONG)).toMatchObject({ outcome: 'absent' });
    });

    it('come not back by a late swap after their deletion, nor overwrite their successor', async () => {
      const first = swapped(await store.create(record(), LONG));
      await removeRecord();
      expect(await store.swap(first.record, first.resourceVersion, LONG)).toEqual({ outcome: 'conflict' });
      expect(await store.read(LONG)).toMatchObject({ outcome: 'absent' });
      await store.create(record({ epoch: epoch(20) }), LONG);
      expect(await store.swap(first.record, first.resourceVersion, LONG)).toEqual({ outcome: 'conflict' });
      expect(await store.read(LONG)).toMatchObject({ current: { record: { epoch: 20 } } });
    });

    it('change version with every renewal, also within one millisecond', async () => {
      const still = new LeaseClusterStore({
        client,
        namespace: NAMESPACE,
        cluster,
        log: silentLogger,
        wallClock: () => new Date('2026-03-04T05:06:07.089Z'),
      });
      let current = swapped(await still.create(record(), LONG));
      const versions = [current.resourceVersion];
      for (let i = 0; i < 4; i += 1) {
        current = swapped(await still.swap(current.record, current.resourceVersion, LONG));
        versions.push(current.resourceVersion);
      }
      expect(new Set(versions).size).toBe(5);
    });

    it('keep the labels and owners that others gave them', async () => {
      const first = swapped(await store.create(record(), LONG));
      const owner = {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        name: 'pg',
        uid: 'b0a9c1de-0000-4000-8000-1',
      };
      await client.request(
        {
          verb: 'patch',
          resource: 'leases',
          namespace: NAMESPACE,
          name: cluster,
          body: { metadata: { labels: { team: 'data' }, ownerReferences: [owner] } },
        },
        LONG,
      );
      expect(await store.swap(first.record, first.resourceVersion, LONG)).toEqual({ outcome: 'conflict' });
      const read = await store.read(LONG);
      if (read.outcome !== 'found') throw new Error(read.outcome);
      swapped(await store.swap(record({ paused: true }), read.current.resourceVersion, LONG));
      const raw = await client.request(
        { verb: 'get', resource: 'leases', namespace: NAMESPACE, name: cluster },
        LONG,
      );
      expect(raw.body).toMatchObject({
        metadata: { labels: { team: 'data', 'pgwarden.dev/cluster': cluster }, ownerReferences: [owner] },
        spec: { holderIdentity: HOLDER, leaseTransitions: 7, leaseDurationSeconds: 10 },
      });
    });

    it('lose no update among writers that race', async () => {
      await store.create(record({ generation: 0 }), LONG);
      const race = async (): Promise<void> => {
        const writer = new RecordWriter(store);
        let done = 0;
        while (done < 10) {
          const result = await writer.swap((now) => ({ ...now, generation: now.generation + 1 }), LONG);
          if (result.outcome === 'swapped') done += 1;
          else if (result.outcome !== 'conflict') throw new Error(JSON.stringify(result));
        }
      };
      await Promise.all([race(), race(), race()]);
      expect(await store.read(LONG)).toMatchObject({ current: { record: { generation: 30 } } });
    });

    it('list the members, and forget those that left', async () => {
      await store.create(record(), LONG);
      await store.writeMember(member({ member: memberName('m-0') }), LONG);
      await store.writeMember(member({ member: memberName('m-1') }), LONG);
      await store.writeMember(member({ member: memberName('m-1'), host: '10.0.0.9' }), LONG);
      const found = await store.listMembers(LONG);
      expect(found.map(({ member: m, host }) => `${m} ${host}`).sort()).toEqual([
        'm-0 10.1.2.3',
        'm-1 10.0.0.9',
      ]);
      await store.removeMember(memberName('m-0'), LONG);
      await store.removeMember(memberName('m-0'), LONG);
      expect(await store.listMembers(LONG)).toHaveLength(1);
    });

    it('are watched over cuts of the network, without a word lost', async () => {
      const news: string[] = [];
      let reachable: boolean | null = null;
      const listener: StoreListener = {
        onRecord: (current) => news.push(current === null ? 'absent' : `epoch ${current.record.epoch}`),
        onMember: (who, found) => news.push(`${who} ${found?.host ?? 'gone'}`),
        onReachable: (answer) => {
          reachable = answer;
        },
      };
      let lists = 0;
      const observe: ObserveCall = (verb, _, code) => {
        if (verb === 'list' && code === '200') lists += 1;
      };
      const stop = new AbortController();
      const running = storeOf(await api.client({ observe })).watch(listener, stop.signal);
      await until('the first list', () => news.length === 1);
      const other = storeOf(await api.direct());
      let current = swapped(await other.create(record(), LONG));
      await other.writeMember(member(), LONG);
      await until('both', () => news.length === 3);
      expect(news).toEqual(['absent', 'epoch 7', 'pg-1 10.1.2.3']);

      api.network.cut(true);
      await until('the cut is noticed', () => reachable === false);
      current = swapped(await other.swap(record({ epoch: epoch(8) }), current.resourceVersion, LONG));
      api.network.heal();
      await until('the change', () => news.includes('epoch 8'), 15_000);
      expect(reachable).toBe(true);
      expect(lists).toBe(1);

      api.network.cut(true);
      await until('the cut is noticed', () => reachable === false);
      for (let i = 9; i < 59; i += 1) {
        current = swapped(await other.swap(record({ epoch: epoch(i) }), current.resourceVersion, LONG));
      }
      await other.removeMember(memberName('pg-1'), LONG);
      api.network.heal();
      await until('the last epoch', () => news.includes('epoch 58'), 15_000);
      await until('the end of the member', () => news.includes('pg-1 gone'), 15_000);
      // The embedded API has forgotten these changes and answers 410: the watch lists again. The real one has not.
      expect(lists).toBe(isReal ? 1 : 2);
      await removeRecord();
      await until('the end of the record', () => news.at(-1) === 'absent', 15_000);
      stop.abort();
      await running;
    });

    it('are labelled and told of as pods', async () => {
      const pod = memberName(`${cluster}-0`);
      const reply = await client.request(
        {
          verb: 'create',
          resource: 'pods',
          namespace: NAMESPACE,
          body: {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name: pod, labels: { keep: 'me' } },
            spec: { containers: [{ name: 'postgres', image: 'postgres' }] },
          },
        },
        LONG,
      );
      const podUID = textProperty(reply.body, 'metadata', 'uid');
      const warnings: unknown[] = [];
      const announcer = new PodAnnouncer({
        client,
        namespace: NAMESPACE,
        member: pod,
        podUID,
        log: { ...silentLogger, warn: (fields) => warnings.push(fields.err) },
      });
      const get = (resource: 'pods' | 'events', query = {}, who?: string) =>
        client.request(
          who === undefined
            ? { verb: 'list', resource, namespace: NAMESPACE, query }
            : { verb: 'get', resource, namespace: NAMESPACE, name: who },
          LONG,
        );
      await announcer.labelRole(pod, 'primary');
      expect((await get('pods', {}, pod)).body).toMatchObject({
        metadata: { labels: { keep: 'me', 'pgwarden.dev/role': 'primary' } },
      });
      await announcer.labelRole(pod, 'none');
      expect(property((await get('pods', {}, pod)).body, 'metadata', 'labels')).toEqual({ keep: 'me' });

      const event = { type: 'Normal', reason: 'Promoted', message: `${pod} is primary` } as const;
      await announcer.event(event);
      await announcer.event(event);
      const events = await get('events', { fieldSelector: `involvedObject.name=${pod}` });
      expect(property(events.body, 'items')).toMatchObject([
        { reason: 'Promoted', count: 2, involvedObject: { kind: 'Pod', name: pod, uid: podUID } },
      ]);
      expect(warnings).toEqual([]);
      await client.request({ verb: 'delete', resource: 'pods', namespace: NAMESPACE, name: pod }, LONG);
    });

    it('are renewed while the network allows it, and again when it comes back', async () => {
      const own = await api.client({ maxSockets: 2 });
      const writer = new RecordWriter(storeOf(own));
      const leaseDuration = millis(900);
      swapped(await writer.create(record({ leaseDuration }), LONG));
      let renewals = 0;
      let conflicts = 0;
      const keeper = new LeaseKeeper({
        writer,
        log: silentLogger,
        onRenewed: () => {
          renewals += 1;
        },
        onConflict: () => {
          conflicts += 1;
        },
      });
      const stop = new AbortController();
      const running = keeper.run(stop.signal);
      keeper.permit({ holder: HOLDER, epoch: epoch(7), interval: millis(leaseDuration / 3) });
      await until('two renewals', () => renewals === 2);
      api.network.swallow();
      const before = renewals;
      expect(await store.read(SHORT)).toMatchObject({ outcome: 'unknown', error: { code: 'API_DEADLINE' } });
      await systemClock.sleep(leaseDuration, stop.signal);
      expect(renewals).toBeLessThanOrEqual(before + 1);
      api.network.heal();
      const healed = renewals;
      await until('two more renewals', () => renewals === healed + 2);
      expect(conflicts).toBe(0);
      const other = new RecordWriter(storeOf(await api.direct()));
      swapped(await other.swap((now) => ({ ...now, holder: 'pg-1/x/y', epoch: epoch(8) }), LONG));
      await until('the takeover is noticed', () => conflicts === 1);
      expect(keeper.isPermitted).toBe(false);
      stop.abort();
      await running;
    });

    if (isReal)
      it('survive a server that freezes: a swap that was given up may have happened, and nothing is lost', async (context) => {
        const { server } = api;
        if (server?.signal == null) {
          context.skip('the server of KUBECONFIG is not ours to freeze');
          return;
        }
        const writer = new RecordWriter(store);
        swapped(await writer.create(record({ generation: 0 }), LONG));
        server.signal('SIGSTOP');
        const up = (now: ClusterRecord): ClusterRecord => ({ ...now, generation: now.generation + 1 });
        expect(await writer.swap(up, SHORT)).toMatchObject({ outcome: 'unknown' });
        expect(await store.read(SHORT)).toMatchObject({ outcome: 'unknown' });
        server.signal('SIGCONT');
        let result = await writer.swap(up, LONG);
        if (result.outcome === 'conflict') result = await writer.swap(up, LONG);
        // The first one happened or did not; either way the second one built on the truth.
        expect([1, 2]).toContain(swapped(result).record.generation);
      });

    if (isReal)
      it('are watched over a restart of the server', async (context) => {
        const { server } = api;
        if (server?.restart == null) {
          context.skip('the server of KUBECONFIG is not ours to restart');
          return;
        }
        let current = swapped(await store.create(record(), LONG));
        const seen: number[] = [];
        const listener: StoreListener = {
          onRecord: (found) => seen.push(found?.record.epoch ?? -1),
          onMember: () => undefined,
          onReachable: () => undefined,
        };
        let lists = 0;
        const observe: ObserveCall = (verb, _, code) => {
          if (verb === 'list' && code === '200') lists += 1;
        };
        const stop = new AbortController();
        const running = storeOf(await api.client({ observe })).watch(listener, stop.signal);
        await until('the first list', () => seen.length === 1);
        const other = storeOf(await api.direct());
        await server.restart();
        current = swapped(await other.swap(record({ epoch: epoch(8) }), current.resourceVersion, LONG));
        await until('the change', () => seen.includes(8), 30_000);

        // A server that was started after a change does not have it in memory: 410, and the watch lists again.
        api.network.cut(true);
        for (let i = 9; i < 13; i += 1) {
          current = swapped(await other.swap(record({ epoch: epoch(i) }), current.resourceVersion, LONG));
        }
        const before = lists;
        await server.restart();
        api.network.heal();
        await until('the last change', () => seen.includes(12), 30_000);
        expect(lists).toBe(before + 1);
        expect(seen).toEqual([7, 8, 12]);
        stop.abort();
        await running;
      });

    // The embedded API has no users: whoever has its token may do everything.
    if (isReal)
      it('say which rule is missing to somebody who may not read them', async () => {
        const nobody = await api.client({}, { 'Impersonate-User': 'nobody' });
        const read = await storeOf(nobody).read(LONG);
        expect(read).toMatchObject({
          outcome: 'unknown',
          error: {
            code: 'API_FORBIDDEN',
            remedy: expect.stringContaining('resources: ["leases"], verbs: ["get"]'),
          },
        });
      });
  });
}
