import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterRecord } from '../../../src/ha/record.ts';
import { epoch, millis } from '../../../src/ha/units.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { RecordWriter } from '../../../src/kubernetes/record-writer.ts';
import { record, until } from './fixtures.ts';
import { LeaseServer } from './lease-server.ts';

const LONG = millis(5_000);
const fence =
  (name: string) =>
  (current: ClusterRecord): ClusterRecord => ({ ...current, fenced: [...current.fenced, name] });

describe('the writer of the cluster record', () => {
  let server: LeaseServer;
  let client: ApiClient;
  let store: LeaseClusterStore;
  let writer: RecordWriter;

  beforeEach(async () => {
    server = await LeaseServer.start();
    client = await server.http.client();
    store = new LeaseClusterStore({ client, namespace: 'db', cluster: 'pg', log: silentLogger });
    writer = new RecordWriter(store);
    await writer.create(record({ fenced: [] }), LONG);
  });

  afterEach(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  const stored = async (): Promise<ClusterRecord> => {
    const result = await store.read(LONG);
    if (result.outcome !== 'found') throw new Error(result.outcome);
    return result.current.record;
  };

  it('lets writes that were asked for together follow each other without a conflict or a read', async () => {
    const results = await Promise.all(['a', 'b', 'c', 'd'].map((name) => writer.swap(fence(name), LONG)));
    expect(results.map((result) => result.outcome)).toEqual(['swapped', 'swapped', 'swapped', 'swapped']);
    expect((await stored()).fenced).toEqual(['a', 'b', 'c', 'd']);
    expect(server.count('PUT')).toBe(4);
  });

  it('gives each change the newest record, never one of when it was asked for', async () => {
    server.fate = (request) => (request.method === 'PUT' && server.held.length === 0 ? 'hold' : 'answer');
    const first = writer.swap(fence('a'), LONG);
    const second = writer.swap((current) => ({ ...current, paused: current.fenced.includes('a') }), LONG);
    await until('the first is on its way', () => server.held.length === 1);
    server.held[0]?.();
    await Promise.all([first, second]);
    expect(await stored()).toMatchObject({ fenced: ['a'], paused: true });
  });

  it('conflicts once with somebody else, and builds on what they wrote after that', async () => {
    server.touch('pg', (lease) => {
      lease.metadata.note = 'other';
    });
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('conflict');
    expect((await writer.swap(fence('b'), LONG)).outcome).toBe('swapped');
    expect((await stored()).fenced).toEqual(['b']);
  });

  it('reads anew after a lost reply, and so finds its own write', async () => {
    server.fate = (request) => (request.method === 'PUT' ? 'lose-reply' : 'answer');
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('unknown');
    server.fate = () => 'answer';
    expect((await writer.swap(fence('b'), LONG)).outcome).toBe('swapped');
    expect((await stored()).fenced).toEqual(['a', 'b']);
  });

  it('is refused by the server when a write that it gave up arrives late, whichever came first', async () => {
    server.fate = (request) => (request.method === 'PUT' && server.held.length === 0 ? 'hold' : 'answer');
    expect((await writer.swap(fence('late'), millis(50))).outcome).toBe('unknown');
    expect((await writer.swap(fence('b'), LONG)).outcome).toBe('swapped');
    server.held[0]?.();
    expect((await stored()).fenced).toEqual(['b']);
    expect((await writer.swap(fence('c'), LONG)).outcome).toBe('swapped');
    expect((await stored()).fenced).toEqual(['b', 'c']);
  });

  it('writes nothing when the change is declined', async () => {
    const result = await writer.swap(() => null, LONG);
    expect(result).toMatchObject({ outcome: 'declined', current: { record: { epoch: 7 } } });
    expect(server.count('PUT')).toBe(0);
  });

  it('declines on a fresh look only, never on what it remembers', async () => {
    const other = new RecordWriter(store);
    await other.swap((current) => ({ ...current, paused: true }), LONG);
    const result = await writer.swap((current) => (current.paused ? fence('a')(current) : null), LONG);
    expect(result.outcome).toBe('swapped');
    expect((await stored()).fenced).toEqual(['a']);
  });

  it('calls a record that is gone a conflict', async () => {
    server.leases.clear();
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('conflict');
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('conflict');
    expect(server.leases.size).toBe(0);
  });

  it('takes over on exactly the record that was read, and on nothing newer', async () => {
    const other = new RecordWriter(store);
    const read = await other.read(LONG);
    if (read.outcome !== 'found') throw new Error(read.outcome);
    const taken = { ...read.current.record, epoch: epoch(8), holder: 'pg-1/x/y' };
    expect((await other.swapFrom(read.current, taken, LONG)).outcome).toBe('swapped');
    expect((await other.swapFrom(read.current, taken, LONG)).outcome).toBe('conflict');
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('conflict');
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('swapped');
    expect(await stored()).toMatchObject({ epoch: 8, holder: 'pg-1/x/y', fenced: ['a'] });
  });

  it('does not let a read that overlapped with a write take the base back in time', async () => {
    server.fate = (request) => (request.method === 'GET' ? 'hold' : 'answer');
    const slow = writer.read(LONG);
    await until('the read is on its way', () => server.held.length === 1);
    await writer.swap(fence('a'), LONG);
    server.held[0]?.();
    await slow;
    server.fate = () => 'answer';
    expect((await writer.swap(fence('b'), LONG)).outcome).toBe('swapped');
  });

  it('takes up what a read found when nothing was written meanwhile', async () => {
    server.touch('pg', () => undefined);
    await writer.read(LONG);
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('swapped');
  });

  it('ends at its deadline in the queue, sends nothing then, and leaves the order intact', async () => {
    server.fate = (request) => (request.method === 'PUT' && server.held.length === 0 ? 'hold' : 'answer');
    const first = writer.swap(fence('a'), LONG);
    const second = writer.swap(fence('b'), millis(30));
    const third = writer.swap(fence('c'), LONG);
    expect(await second).toMatchObject({ outcome: 'unknown', error: { code: 'API_DEADLINE' } });
    const aborted = new AbortController();
    const fourth = writer.swap(fence('d'), LONG, aborted.signal);
    aborted.abort();
    expect(await fourth).toMatchObject({ outcome: 'unknown', error: { code: 'API_ABORTED' } });
    server.held[0]?.();
    expect([(await first).outcome, (await third).outcome]).toEqual(['swapped', 'swapped']);
    expect((await stored()).fenced).toEqual(['a', 'c']);
  });

  it('stays usable after a change that throws', async () => {
    const bad = writer.swap(() => {
      throw new RangeError('bad');
    }, LONG);
    await expect(bad).rejects.toThrow('bad');
    expect((await writer.swap(fence('a'), LONG)).outcome).toBe('swapped');
  });
});
