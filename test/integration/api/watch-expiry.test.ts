import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Obtained, obtainApiServer } from '../../kube/api-server.ts';
import type { ClientConfiguration } from '../../kube/client-configuration.ts';
import { EmbeddedServer } from './embedded.ts';
import { normalise } from './normalise.ts';
import { type Json, RawClient } from './raw-client.ts';
import { lease } from './scenarios/scenario.ts';

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const MERGE = 'application/merge-patch+json';

let real: Obtained;

beforeAll(async () => {
  real = await obtainApiServer();
}, 15 * 60_000);

afterAll(async () => {
  await real?.server?.[Symbol.asyncDispose]();
});

async function write(client: RawClient, times: number): Promise<string> {
  const first = await client.call('POST', LEASES, { body: lease('expiry') });
  for (let value = 2; value < times + 2; value += 1) {
    await client.call('PATCH', `${LEASES}/expiry`, {
      body: { spec: { leaseTransitions: value } },
      type: MERGE,
    });
  }
  return first.body.metadata.resourceVersion;
}

async function firstEvent(configuration: ClientConfiguration, version: string): Promise<Json> {
  const path = `${LEASES}?watch=1&resourceVersion=${version}&timeoutSeconds=10`;
  for await (const event of new RawClient(configuration).watch(path)) return event;
  return null;
}

/** A watch at a version that this server has forgotten. */
async function expiredOnEmbedded(): Promise<Json> {
  await using server = await EmbeddedServer.start({ history: 5 });
  const version = await write(new RawClient(server.configuration), 20);
  return await firstEvent(server.configuration, version);
}

const comparable = (event: Json): Json =>
  JSON.parse(
    JSON.stringify(normalise([event])).replace(
      /too old resource version: \d+/,
      'too old resource version: …',
    ),
  );

test('a watch from a forgotten version is told to begin again', async () => {
  const { type, object } = await expiredOnEmbedded();
  expect(type).toBe('ERROR');
  expect(object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
});

test('a real API server says the same of a version before its start', async (context) => {
  if (real.server === null) return context.skip(real.reason);
  if (real.server.restart === null) return context.skip('the API server is not ours to restart');
  const { configuration, restart } = real.server;
  const version = await write(new RawClient(configuration), 5);
  await restart();
  expect(comparable(await firstEvent(configuration, version))).toEqual(comparable(await expiredOnEmbedded()));
});

test('what lies between a list and its next page is told to have expired, with a token to go on', async () => {
  await using server = await EmbeddedServer.start({ history: 5 });
  const client = new RawClient(server.configuration);
  for (const name of ['a', 'b', 'c']) await client.call('POST', LEASES, { body: lease(name) });
  const first = (await client.call('GET', `${LEASES}?limit=1`)).body.metadata;
  await write(client, 20);
  const next = await client.call('GET', `${LEASES}?limit=1&continue=${first.continue}`);
  expect(next.code).toBe(410);
  expect(next.body.reason).toBe('Expired');
  const resumed = await client.call('GET', `${LEASES}?limit=1&continue=${next.body.metadata.continue}`);
  expect(resumed.body.items[0].metadata.name).toBe('b');
  const exact = await client.call(
    'GET',
    `${LEASES}?resourceVersion=${first.resourceVersion}&resourceVersionMatch=Exact`,
  );
  expect(exact.body.message).toBe('The resourceVersion for the provided list is too old.');
});

test('a watch with bookmarks gets one before its end', async () => {
  await using server = await EmbeddedServer.start();
  const client = new RawClient(server.configuration);
  const version = await write(client, 1);
  const path = `${LEASES}?watch=1&resourceVersion=${version}&timeoutSeconds=3&allowWatchBookmarks=true`;
  const events: Json[] = [];
  for await (const event of client.watch(path)) events.push(event);
  expect(events.map(({ type }) => type)).toEqual(['MODIFIED', 'BOOKMARK']);
  const [change, bookmark] = events;
  expect(bookmark.object.metadata.resourceVersion).toBe(change.object.metadata.resourceVersion);
});
