import { randomUUID } from 'node:crypto';
import {
  ApiException,
  CoordinationV1Api,
  type KubeConfig,
  V1MicroTime,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { type Obtained, obtainApiServer } from '../../kube/api-server.ts';
import { toKubeConfig } from '../../kube/client-configuration.ts';
import { EmbeddedServer } from './embedded.ts';

const namespace = 'default';

let embedded: EmbeddedServer;
let real: Obtained;

beforeAll(async () => {
  embedded = await EmbeddedServer.start();
  real = await obtainApiServer();
}, 15 * 60_000);

afterAll(async () => {
  await embedded?.[Symbol.asyncDispose]();
  await real?.server?.[Symbol.asyncDispose]();
});

const SERVERS: Record<string, (context: TestContext) => Promise<KubeConfig>> = {
  'the embedded API': () => toKubeConfig(embedded.configuration, namespace),
  'a real API server': (context) => {
    if (real.server === null) return context.skip(real.reason);
    return toKubeConfig(real.server.configuration, namespace);
  },
};

describe.each(Object.entries(SERVERS))('with the official client, %s', (_, open) => {
  test('keeps a Lease under optimistic concurrency', async (context) => {
    const api = (await open(context)).makeApiClient(CoordinationV1Api);
    const name = `client-${randomUUID().slice(0, 8)}`;
    const renewTime = new V1MicroTime('2024-05-01T10:00:00.123Z');
    const body = { metadata: { name }, spec: { holderIdentity: 'a', leaseDurationSeconds: 10, renewTime } };
    const created = await api.createNamespacedLease({ namespace, body });
    // The client hands the time over as it came.
    expect(String(created.spec?.renewTime)).toBe('2024-05-01T10:00:00.123000Z');
    const next = { ...created, spec: { ...created.spec, holderIdentity: 'b' } };
    const replaced = await api.replaceNamespacedLease({ name, namespace, body: next });
    expect(replaced.spec?.holderIdentity).toBe('b');
    const lost = await api.replaceNamespacedLease({ name, namespace, body: next }).catch((error) => error);
    expect(lost).toBeInstanceOf(ApiException);
    expect((lost as ApiException<string>).code).toBe(409);
    const listed = await api.listNamespacedLease({ namespace, fieldSelector: `metadata.name=${name}` });
    expect(listed.items).toHaveLength(1);
    await api.deleteNamespacedLease({ name, namespace });
    const gone = await api.readNamespacedLease({ name, namespace }).catch((error) => error);
    expect((gone as ApiException<string>).code).toBe(404);
  });

  test('watches Leases', async (context) => {
    const config = await open(context);
    const api = config.makeApiClient(CoordinationV1Api);
    const name = `watched-${randomUUID().slice(0, 8)}`;
    const fieldSelector = `metadata.name=${name}`;
    const { metadata } = await api.listNamespacedLease({ namespace, fieldSelector });
    const events: string[] = [];
    const enough = Promise.withResolvers<void>();
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const query = { resourceVersion: metadata?.resourceVersion, fieldSelector, allowWatchBookmarks: true };
    const request = await new Watch(config).watch(
      path,
      query,
      (phase) => {
        events.push(phase);
        if (events.length === 3) enough.resolve();
      },
      () => enough.reject(new Error('the watch ended')),
    );
    await api.createNamespacedLease({
      namespace,
      body: { metadata: { name }, spec: { holderIdentity: 'a' } },
    });
    const current = await api.readNamespacedLease({ name, namespace });
    await api.replaceNamespacedLease({
      name,
      namespace,
      body: { ...current, spec: { holderIdentity: 'b' } },
    });
    await api.deleteNamespacedLease({ name, namespace });
    await enough.promise;
    request.abort();
    expect(events).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });
});
