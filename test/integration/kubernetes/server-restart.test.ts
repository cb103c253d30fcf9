import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedApi } from '../../../src/demo/api/embedded-api.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import { ApiClient } from '../../../src/kubernetes/client.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { ApiEndpoint } from '../../../src/kubernetes/endpoint.ts';
import { explicitSource } from '../../../src/kubernetes/endpoint-source.ts';
import { LeaseKeeper } from '../../../src/kubernetes/lease-keeper.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import type { StoreListener } from '../../../src/kubernetes/ports.ts';
import { RecordWriter } from '../../../src/kubernetes/record-writer.ts';
import { HOLDER, record, until } from '../../unit/kubernetes/fixtures.ts';

const LONG = millis(10_000);

describe('an API server that restarts', () => {
  let directory: string;
  let end: () => Promise<void>;

  const serve = async (port: number, token: string): Promise<number> => {
    const stop = new AbortController();
    const api = new EmbeddedApi({ directory: join(directory, 'api'), host: '127.0.0.1', port, token });
    const running = api.run(stop.signal);
    const address = await api.ready;
    end = async () => {
      stop.abort();
      await running;
    };
    return address.port;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-restart-'));
  });

  afterEach(async () => {
    await end();
    await rm(directory, { recursive: true });
  });

  it('finds the watch and the renewals again, with a token that was rotated meanwhile, and asks little', async () => {
    const tokenFile = join(directory, 'token');
    await writeFile(tokenFile, 'first');
    const port = await serve(0, 'first');
    const source = explicitSource({ server: `http://127.0.0.1:${port}`, tokenFile });
    const endpoint = await ApiEndpoint.open(source, { log: silentLogger });
    const calls: string[] = [];
    const newStore = (): { client: ApiClient; store: LeaseClusterStore } => {
      const client = new ApiClient(endpoint, { observe: (verb, _, code) => calls.push(`${verb} ${code}`) });
      return {
        client,
        store: new LeaseClusterStore({ client, namespace: 'default', cluster: 'pg', log: silentLogger }),
      };
    };
    const main = newStore();
    const own = newStore();
    const writer = new RecordWriter(own.store);
    const leaseDuration = millis(600);
    await writer.create(record({ leaseDuration }), LONG);
    let renewals = 0;
    const seen: string[] = [];
    let reachable: boolean | null = null;
    const listener: StoreListener = {
      onRecord: (current) => seen.push(current?.resourceVersion ?? 'absent'),
      onMember: () => undefined,
      onReachable: (answer) => {
        reachable = answer;
      },
    };
    const keeper = new LeaseKeeper({
      writer,
      log: silentLogger,
      onRenewed: () => {
        renewals += 1;
      },
      onConflict: () => {
        throw new Error('nobody else wrote');
      },
    });
    const stop = new AbortController();
    const running = [
      endpoint.run(stop.signal),
      main.store.watch(listener, stop.signal),
      keeper.run(stop.signal),
    ];
    keeper.permit({ holder: HOLDER, epoch: epoch(7), interval: millis(leaseDuration / 3) });
    await until('a renewal is seen', () => renewals > 0 && seen.length > 1);

    await end();
    await until('the end is noticed', () => reachable === false);
    await writeFile(tokenFile, 'second');
    await serve(port, 'second');
    const renewed = renewals;
    await until('renewals go on', () => renewals > renewed + 1, 15_000);
    const watched = seen.length;
    await until('and are seen', () => seen.length > watched + 1, 15_000);
    expect(calls.some((call) => call.endsWith(' 401'))).toBe(true);
    expect(calls.filter((call) => call === 'list 200')).toHaveLength(1);
    expect(seen).not.toContain('absent');

    stop.abort();
    await Promise.all(running);
    main.client.close();
    own.client.close();
  });
});

describe('an idle cluster of three members', () => {
  it('asks the API less than once a second', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-idle-'));
    const stop = new AbortController();
    const api = new EmbeddedApi({ directory, host: '127.0.0.1', port: 0 });
    const serving = api.run(stop.signal);
    const { url } = await api.ready;
    const endpoint = await ApiEndpoint.open(explicitSource({ server: url }), { log: silentLogger });
    let calls = 0;
    const clients = Array.from(
      { length: 4 },
      () =>
        new ApiClient(endpoint, {
          observe: () => {
            calls += 1;
          },
        }),
    );
    const [own, ...watching] = clients.map(
      (client) => new LeaseClusterStore({ client, namespace: 'default', cluster: 'pg', log: silentLogger }),
    );
    if (own === undefined) throw new Error('no client');
    const leaseDuration = millis(3_000);
    const writer = new RecordWriter(own);
    await writer.create(record({ leaseDuration }), LONG);
    const keeper = new LeaseKeeper({
      writer,
      log: silentLogger,
      onRenewed: () => undefined,
      onConflict: () => undefined,
    });
    let seen = 0;
    const listener: StoreListener = {
      onRecord: () => {
        seen += 1;
      },
      onMember: () => undefined,
      onReachable: () => undefined,
    };
    const running = [keeper.run(stop.signal), ...watching.map((store) => store.watch(listener, stop.signal))];
    keeper.permit({ holder: HOLDER, epoch: epoch(7), interval: millis(leaseDuration / 3) });
    // What a list told comes before the call of the watch: a renewal that all have seen proves that all watch.
    await until('a renewal was seen by all', () => seen >= 3 + 3, 10_000);
    const before = calls;
    const start = performance.now();
    await until('four more renewals were seen by all', () => seen >= 6 + 12, 10_000);
    // One call a renewal and nothing else: with the default of 10 s that is 0.3 a second.
    expect(calls - before).toBeLessThanOrEqual(Math.ceil((performance.now() - start) / 1_000) + 1);
    stop.abort();
    await Promise.all([...running, serving]);
    for (const client of clients) client.close();
    await rm(directory, { recursive: true });
  });
});
