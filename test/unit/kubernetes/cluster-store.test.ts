import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import { millis } from '../../../src/ha/units.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { member, record } from './fixtures.ts';
import { LeaseServer } from './lease-server.ts';
import { failure, json } from './scripted-server.ts';

const LONG = millis(5_000);

describe('the cluster store', () => {
  let server: LeaseServer;
  let client: ApiClient;
  let store: LeaseClusterStore;

  const newStore = (): LeaseClusterStore =>
    new LeaseClusterStore({ client, namespace: 'db', cluster: 'pg', log: silentLogger });

  const created = async (): Promise<string> => {
    const result = await store.create(record(), LONG);
    if (result.outcome !== 'swapped') throw new Error(result.outcome);
    return result.current.resourceVersion;
  };

  beforeEach(async () => {
    server = await LeaseServer.start();
    client = await server.http.client();
    store = newStore();
  });

  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('creates, reads and swaps the record', async () => {
    expect(await store.read(LONG)).toMatchObject({ outcome: 'absent' });
    const version = await created();
    expect(await store.create(record(), LONG)).toEqual({ outcome: 'conflict' });
    const next = await store.swap(record({ paused: true }), version, LONG);
    expect(next).toMatchObject({ outcome: 'swapped', current: { record: { paused: true } } });
    expect(await store.read(LONG)).toMatchObject({ outcome: 'found', current: { record: { paused: true } } });
    expect(await store.swap(record(), version, LONG)).toEqual({ outcome: 'conflict' });
  });

  it('reads without a resourceVersion, so that a quorum answers', async () => {
    await created();
    await store.read(LONG);
    expect(server.http.requests.at(-1)?.query.size).toBe(0);
  });

  it('names the uid in every swap, for a version alone would create a deleted Lease again', async () => {
    const version = await created();
    server.leases.clear();
    expect(await store.swap(record(), version, LONG)).toEqual({ outcome: 'conflict' });
    expect(server.http.requests.at(-1)?.body).toMatchObject({ metadata: { uid: expect.any(String) } });
    expect(await newStore().swap(record(), version, LONG)).toEqual({ outcome: 'conflict' });
    expect(server.leases.size).toBe(0);
  });

  it('carries over what others keep, also for a version that it has not seen itself', async () => {
    await created();
    server.touch('pg', (lease) => {
      lease.metadata.finalizers = ['example.com/keep'];
    });
    const version = server.leases.get('pg')?.metadata.resourceVersion ?? '';
    const result = await newStore().swap(record({ paused: true }), version, LONG);
    expect(result.outcome).toBe('swapped');
    expect(server.leases.get('pg')?.metadata.finalizers).toEqual(['example.com/keep']);
  });

  it('tells the version of a record that cannot be read, and writes over it', async () => {
    const old = await created();
    const edit = (text: string | null) =>
      server.touch('pg', (lease) => {
        lease.metadata.annotations = text === null ? {} : { 'pgwarden.dev/record': text };
      });
    for (const text of ['{"epo', null]) {
      edit(text);
      const found = await store.read(LONG);
      expect(found).toMatchObject({ outcome: 'unreadable', error: { code: 'RECORD_MALFORMED' } });
      const version = found.outcome === 'unreadable' ? found.resourceVersion : '';
      expect(await store.swap(record(), old, LONG)).toEqual({ outcome: 'conflict' });
      expect(await store.swap(record({ paused: true }), version, LONG)).toMatchObject({ outcome: 'swapped' });
      const repaired = { outcome: 'found', current: { record: { paused: true } } };
      expect(await store.read(LONG)).toMatchObject(repaired);
    }
    // What a later version wrote is not this one's to repair.
    edit('{"format": 99}');
    expect(await store.read(LONG)).toMatchObject({ outcome: 'unknown', error: { code: 'RECORD_FORMAT' } });
  });

  it('takes a lost reply for unknown, although the swap has happened', async () => {
    const version = await created();
    server.fate = () => 'lose-reply';
    expect(await store.swap(record({ paused: true }), version, LONG)).toMatchObject({
      outcome: 'unknown',
      error: { code: 'API_UNREACHABLE' },
    });
    server.fate = () => 'answer';
    expect(await store.read(LONG)).toMatchObject({ current: { record: { paused: true } } });
  });

  it('takes a missing answer for unknown', async () => {
    const version = await created();
    server.fate = () => 'hang';
    expect(await store.swap(record(), version, millis(50))).toMatchObject({
      outcome: 'unknown',
      error: { code: 'API_DEADLINE' },
    });
    expect(await store.read(millis(50))).toMatchObject({ outcome: 'unknown' });
  });

  it.each([
    [500, 'unknown'],
    [503, 'unknown'],
    [429, 'unknown'],
    [401, 'unknown'],
    [403, 'unknown'],
    [422, 'unknown'],
    [409, 'conflict'],
  ])('takes a %i on a swap for %s', async (status, outcome) => {
    const version = await created();
    server.http.handler = (_, response) => failure(response, status, 'Reason');
    expect(await store.swap(record(), version, LONG)).toMatchObject({ outcome });
    expect(server.http.requests.filter((request) => request.method === 'PUT')).toHaveLength(1);
  });

  it('believes in an absent record only when the API names it', async () => {
    const version = await created();
    server.http.handler = (_, response) => failure(response, 404, 'NotFound');
    expect(await store.read(LONG)).toMatchObject({ outcome: 'absent' });
    expect(await store.swap(record(), version, LONG)).toEqual({ outcome: 'conflict' });
    // What an API server says that is still starting, and what a proxy says.
    server.http.handler = (_, response) => failure(response, 404, 'NotFound', '');
    expect(await store.read(LONG)).toMatchObject({ outcome: 'unknown' });
    server.http.handler = (_, response) => void response.writeHead(404).end('404 page not found');
    expect(await store.read(LONG)).toMatchObject({ outcome: 'unknown' });
    expect(await store.swap(record(), version, LONG)).toMatchObject({ outcome: 'unknown' });
  });

  it("writes and removes a member's Lease, whatever is there", async () => {
    await store.writeMember(member(), LONG);
    await store.writeMember(member({ host: '10.9.9.9' }), LONG);
    expect(server.leases.get('pg-pg-1')?.metadata.labels).toMatchObject({ 'pgwarden.dev/kind': 'member' });
    await store.removeMember(memberName('pg-1'), LONG);
    server.http.handler = (_, response) => failure(response, 404, 'NotFound', 'pg-pg-1');
    await store.removeMember(memberName('pg-1'), LONG);
    expect(server.leases.size).toBe(0);
  });

  it("has the last word on its own member's Lease", async () => {
    await store.writeMember(member(), LONG);
    let interfered = 0;
    server.fate = (request) => {
      if (request.method === 'PUT' && interfered < 3) {
        interfered += 1;
        server.touch('pg-pg-1', () => undefined);
      }
      return 'answer';
    };
    await store.writeMember(member({ host: '10.9.9.9' }), LONG);
    expect(interfered).toBe(3);
    expect(JSON.stringify(server.leases.get('pg-pg-1'))).toContain('10.9.9.9');
  });

  it('overlooks no member that it cannot read', async () => {
    server.http.handler = (_, response) =>
      json(response, 200, { items: [{ metadata: { name: 'pg-pg-1', resourceVersion: '1' } }] });
    await expect(store.listMembers(LONG)).rejects.toMatchObject({ code: 'LEASE_FOREIGN' });
  });
});
