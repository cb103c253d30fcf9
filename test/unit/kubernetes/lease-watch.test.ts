import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MemberName } from '../../../src/ha/member.ts';
import type { MemberRecord, VersionedRecord } from '../../../src/ha/record.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { encodeMember, encodeRecord } from '../../../src/kubernetes/lease-codec.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import type { StoreListener } from '../../../src/kubernetes/ports.ts';
import type { WireLease } from '../../../src/kubernetes/wire.ts';
import { member, record, until } from './fixtures.ts';
import { failure, json, ScriptedServer } from './scripted-server.ts';

const PLACE = { namespace: 'db', cluster: 'pg' };

function versioned(lease: WireLease, resourceVersion: string): WireLease {
  return { ...lease, metadata: { ...lease.metadata, resourceVersion, uid: 'u' } };
}

const recordLease = (version: string): WireLease =>
  versioned(encodeRecord(record(), PLACE, new Date(0), null), version);
const memberLease = (version: string): WireLease =>
  versioned(encodeMember(member(), PLACE, new Date(0), null), version);

class Seen implements StoreListener {
  readonly news: string[] = [];
  reachable: boolean[] = [];
  onRecord(current: VersionedRecord | null): void {
    this.news.push(`record ${current?.resourceVersion ?? 'absent'}`);
  }
  onMember(name: MemberName, found: MemberRecord | null): void {
    this.news.push(`${name} ${found === null ? 'gone' : found.host}`);
  }
  onReachable(reachable: boolean): void {
    if (this.reachable.at(-1) !== reachable) this.reachable.push(reachable);
  }
}

describe('the watch of the Leases', () => {
  let server: ScriptedServer;
  let client: ApiClient;
  let seen: Seen;
  let stop: AbortController;
  let running: Promise<void>;
  let items: WireLease[];
  let listVersion: string;
  let watches: { response: ServerResponse; from: string }[];
  let refuse: ((response: ServerResponse) => void) | null;

  const lists = (): number => server.requests.filter((request) => !request.query.has('watch')).length;
  const send = (type: string, object: unknown): void =>
    void watches.at(-1)?.response.write(`${JSON.stringify({ type, object })}\n`);

  const start = async (): Promise<void> => {
    const store = new LeaseClusterStore({ client, ...PLACE, log: silentLogger, random: () => 1 });
    running = store.watch(seen, stop.signal);
    await until('the first watch', () => watches.length === 1);
  };

  beforeEach(async () => {
    server = await ScriptedServer.start();
    client = await server.client();
    seen = new Seen();
    stop = new AbortController();
    items = [recordLease('10'), memberLease('11')];
    listVersion = '20';
    watches = [];
    refuse = null;
    server.handler = (request, response) => {
      if (refuse !== null) refuse(response);
      else if (request.query.has('watch')) {
        response.writeHead(200).flushHeaders();
        watches.push({ response, from: request.query.get('resourceVersion') ?? '' });
      } else json(response, 200, { kind: 'LeaseList', metadata: { resourceVersion: listVersion }, items });
    };
  });

  afterEach(async () => {
    stop.abort();
    await running;
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('tells of what is there, then of each change, over one connection for all', async () => {
    await start();
    expect(seen.news).toEqual(['record 10', 'pg-1 10.1.2.3']);
    expect(watches[0]?.from).toBe('20');
    expect(Object.fromEntries(server.requests[1]?.query ?? [])).toEqual({
      labelSelector: 'pgwarden.dev/cluster=pg',
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '20',
      timeoutSeconds: '300',
    });
    send('MODIFIED', recordLease('21'));
    send('DELETED', memberLease('22'));
    send('DELETED', recordLease('23'));
    await until('three events', () => seen.news.length === 5);
    expect(seen.news.slice(2)).toEqual(['record 21', 'pg-1 gone', 'record absent']);
    expect(seen.reachable).toEqual([true]);
  });

  it('tells that there is no record', async () => {
    items = [];
    await start();
    expect(seen.news).toEqual(['record absent']);
  });

  it('resumes where it was, bookmarks included, when the connection breaks', async () => {
    await start();
    send('BOOKMARK', { metadata: { resourceVersion: '77' } });
    send('MODIFIED', recordLease('78'));
    await until('the event', () => seen.news.length === 3);
    server.cut();
    // The server has the request before the client has its answer.
    await until('the second watch', () => watches.length === 2 && seen.reachable.length === 3);
    expect(watches[1]?.from).toBe('78');
    expect(lists()).toBe(1);
    expect(seen.reachable).toEqual([true, false, true]);
    send('BOOKMARK', { metadata: { resourceVersion: '99' } });
    watches[1]?.response.end();
    await until('the third watch', () => watches.length === 3);
    expect(watches[2]?.from).toBe('99');
    expect(seen.reachable).toEqual([true, false, true]);
  });

  it.each([
    ['as an event', () => send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })],
    [
      'as the answer',
      () => {
        refuse = (response) => {
          refuse = null;
          failure(response, 410, 'Expired', '');
        };
        server.cut();
      },
    ],
  ])(
    'lists again when its version is too old (410 %s), and tells only of what changed',
    async (_, expire) => {
      await start();
      items = [recordLease('40')];
      listVersion = '50';
      expire();
      await until('the next watch', () => watches.length === 2);
      expect(watches[1]?.from).toBe('50');
      expect(lists()).toBe(2);
      expect(seen.news.slice(2)).toEqual(['record 40', 'pg-1 gone']);
    },
  );

  it('tells of a record that was deleted while it was away, and not again of one that stayed', async () => {
    await start();
    items = [memberLease('11')];
    send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await until('the next watch', () => watches.length === 2);
    expect(seen.news.slice(2)).toEqual(['record absent']);
  });

  it('neither crashes on a Lease that is no record nor takes it for news or a deletion', async () => {
    await start();
    send('MODIFIED', { metadata: { name: 'pg', resourceVersion: '30' }, spec: {} });
    send('MODIFIED', recordLease('31'));
    await until('the next event', () => seen.news.length === 3);
    expect(seen.news.slice(2)).toEqual(['record 31']);
  });

  it('has a record that cannot be read looked at, as one that is gone', async () => {
    await start();
    const { metadata, spec } = recordLease('30') as { metadata: Record<string, unknown>; spec: unknown };
    send('MODIFIED', { metadata: { ...metadata, annotations: {} }, spec });
    send('MODIFIED', recordLease('31'));
    await until('the next events', () => seen.news.length === 4);
    expect(seen.news.slice(2)).toEqual(['record absent', 'record 31']);
  });

  it('pauses longer and longer while the API refuses, and says that it is not reachable', async () => {
    await start();
    let refusals = 0;
    refuse = (response) => {
      refusals += 1;
      failure(response, 503, 'Unavailable');
    };
    const before = performance.now();
    server.cut();
    await until('five refusals', () => refusals === 5);
    // With the shortest pauses: 50, 100, 200, 400 and 800 ms before the fifth try.
    expect(performance.now() - before).toBeGreaterThan(700);
    expect(seen.reachable).toEqual([true, false]);
    refuse = null;
    // The server has the request before the client has its answer.
    await until('the next watch', () => watches.length === 2 && seen.reachable.length === 3);
    expect(seen.reachable).toEqual([true, false, true]);
    expect(watches[1]?.from).toBe('20');
  });

  it('does not ask at full speed a server that ends each watch at once', async () => {
    await start();
    const handler = server.handler;
    server.handler = (request, response) => {
      handler(request, response);
      response.end();
    };
    watches[0]?.response.end();
    await until('some watches', () => watches.length >= 4);
    const before = performance.now();
    await until('one more', () => watches.length === 5);
    expect(performance.now() - before).toBeGreaterThan(100);
  });

  it('ends at once when it is told to', async () => {
    await start();
    stop.abort();
    await running;
    await until('the connection is closed', () => server.openSockets === 0);
  });
});
