import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lsn } from '../../../src/ha/lsn.ts';
import type { VersionedRecord } from '../../../src/ha/record.ts';
import { epoch, type Instant, millis } from '../../../src/ha/units.ts';
import type { ApiClient } from '../../../src/kubernetes/client.ts';
import { systemClock } from '../../../src/kubernetes/clock.ts';
import { LeaseClusterStore } from '../../../src/kubernetes/cluster-store.ts';
import { LeaseKeeper, type Permission } from '../../../src/kubernetes/lease-keeper.ts';
import { silentLogger } from '../../../src/kubernetes/log.ts';
import { RecordWriter } from '../../../src/kubernetes/record-writer.ts';
import { HOLDER, record, until } from './fixtures.ts';
import { LeaseServer } from './lease-server.ts';

const LONG = millis(5_000);
const LEASE = millis(300);

describe('the lease keeper', () => {
  let server: LeaseServer;
  let client: ApiClient;
  let writer: RecordWriter;
  let others: LeaseClusterStore;
  let keeper: LeaseKeeper;
  let renewed: { current: VersionedRecord; sentAt: Instant }[];
  let conflicts: number;
  let stop: AbortController;
  let running: Promise<void>;

  const permission = (over: Partial<Permission> = {}): Permission => ({
    holder: HOLDER,
    epoch: epoch(7),
    interval: millis(LEASE / 3),
    ...over,
  });

  /** Somebody else's change by compare-and-swap. */
  const change = async (over: Parameters<typeof record>[0]): Promise<void> => {
    const other = new RecordWriter(others);
    for (let tries = 0; tries < 20; tries += 1) {
      const result = await other.swap((current) => ({ ...current, ...over }), LONG);
      if (result.outcome === 'swapped') return;
    }
    throw new Error('no swap succeeded');
  };

  beforeEach(async () => {
    server = await LeaseServer.start();
    client = await server.http.client();
    const store = new LeaseClusterStore({ client, namespace: 'db', cluster: 'pg', log: silentLogger });
    others = new LeaseClusterStore({ client, namespace: 'db', cluster: 'pg', log: silentLogger });
    writer = new RecordWriter(store);
    await writer.create(record({ leaseDuration: LEASE }), LONG);
    renewed = [];
    conflicts = 0;
    keeper = new LeaseKeeper({
      writer,
      log: silentLogger,
      onRenewed: (current, sentAt) => renewed.push({ current, sentAt }),
      onConflict: () => {
        conflicts += 1;
      },
    });
    stop = new AbortController();
    running = keeper.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
    client.close();
    await server[Symbol.asyncDispose]();
  });

  it('renews nothing without a permission', async () => {
    await systemClock.sleep(LEASE, stop.signal);
    expect(server.count('PUT')).toBe(0);
  });

  it('renews every third of the lease duration, the first time counted from the write that won it', async () => {
    const won = writer.lastWrite?.sentAt ?? Number.NaN;
    keeper.permit(permission());
    await until('three renewals', () => renewed.length === 3);
    const gaps = [won, ...renewed.map((entry) => entry.sentAt)].map((at, i, all) => at - (all[i - 1] ?? at));
    for (const gap of gaps.slice(1)) {
      expect(gap).toBeGreaterThanOrEqual(99);
      expect(gap).toBeLessThan(200);
    }
    expect(server.count('GET')).toBe(0);
  });

  it('carries what is to be brought up to date, and keeps everything else', async () => {
    const refresh: Permission['refresh'] = (current) => ({
      ...current,
      flushLsn: '16/C0000000' as Lsn,
      holder: 'somebody',
      primary: null,
    });
    keeper.permit(permission({ refresh }));
    await until('a renewal', () => renewed.length === 1);
    expect(renewed[0]?.current.record).toEqual(
      record({ leaseDuration: LEASE, flushLsn: '16/C0000000' as Lsn }),
    );
  });

  it('counts a swap of the loop as a renewal, and never conflicts with one', async () => {
    keeper.permit(permission());
    for (let i = 0; i < 30; i += 1) {
      const result = await writer.swap((current) => ({ ...current, generation: i }), LONG);
      expect(result.outcome).toBe('swapped');
      await systemClock.sleep(millis(10), stop.signal);
    }
    expect(renewed.length).toBe(0);
    await until('a renewal', () => renewed.length === 1);
    expect(renewed[0]?.current.record.generation).toBe(29);
    expect(conflicts).toBe(0);
  });

  it('cuts a renewal in flight when it is revoked, and drops its outcome even if it arrived', async () => {
    server.fate = (request) => (request.method === 'PUT' ? 'hold' : 'answer');
    keeper.permit(permission());
    await until('a renewal is on its way', () => server.held.length === 1);
    keeper.revoke();
    server.fate = () => 'answer';
    server.held[0]?.();
    const released = await writer.swap((current) => ({ ...current, holder: '' }), LONG);
    expect(['swapped', 'conflict']).toContain(released.outcome);
    await systemClock.sleep(LEASE, stop.signal);
    expect(renewed).toEqual([]);
    expect(conflicts).toBe(0);
    expect(keeper.isPermitted).toBe(false);
  });

  it('sends nothing for a renewal that was queued when it was revoked', async () => {
    server.fate = (request) => (request.method === 'PUT' ? 'hold' : 'answer');
    const swap = writer.swap((current) => ({ ...current, paused: true }), LONG);
    keeper.permit(permission());
    await until('the swap is on its way', () => server.held.length === 1);
    await systemClock.sleep(millis(120), stop.signal);
    keeper.revoke();
    server.held[0]?.();
    expect((await swap).outcome).toBe('swapped');
    await systemClock.sleep(LEASE, stop.signal);
    expect(server.count('PUT')).toBe(1);
    expect(renewed).toEqual([]);
  });

  it('goes on over a change of somebody else that leaves the holder', async () => {
    keeper.permit(permission());
    await until('a renewal', () => renewed.length === 1);
    await change({ paused: true });
    await until('a renewal of the change', () => renewed.at(-1)?.current.record.paused === true);
    expect(conflicts).toBe(0);
  });

  it.each([
    ['somebody else holds it', () => change({ holder: 'pg-1/x/y' })],
    ['it was released', () => change({ holder: '' })],
    ['it says another epoch', () => change({ epoch: epoch(8) })],
    ['it was deleted', async () => server.leases.clear()],
  ])('stops, and says so once, when %s', async (_, happen) => {
    keeper.permit(permission());
    await until('a renewal', () => renewed.length === 1);
    await happen();
    const after = renewed.length;
    await until('the conflict', () => conflicts === 1);
    await systemClock.sleep(LEASE, stop.signal);
    expect(renewed.length).toBeLessThanOrEqual(after + 1);
    expect(conflicts).toBe(1);
    expect(keeper.isPermitted).toBe(false);
  });

  it('tries again soon after a failure, extends nothing by it, and recovers from a lost reply', async () => {
    keeper.permit(permission());
    await until('a renewal', () => renewed.length === 1);
    const puts = server.count('PUT');
    server.fate = (request) => (request.method === 'PUT' ? 'lose-reply' : 'answer');
    await until('three attempts', () => server.count('PUT') >= puts + 3);
    expect(renewed.length).toBe(1);
    server.fate = () => 'answer';
    const healedAt = systemClock.now();
    await until('the next renewal', () => renewed.length === 2);
    expect(renewed[1]?.sentAt).toBeGreaterThanOrEqual(healedAt);
    expect(conflicts).toBe(0);
  });

  it('gives up an attempt that hangs, and tries on a connection of its own', async () => {
    let hung = 0;
    server.fate = (request) => {
      if (request.method !== 'PUT' || hung >= 2) return 'answer';
      hung += 1;
      return 'hang';
    };
    const won = writer.lastWrite?.sentAt ?? Number.NaN;
    keeper.permit(permission());
    await until('a renewal', () => renewed.length === 1);
    expect(hung).toBe(2);
    expect((renewed[0]?.sentAt ?? Number.NaN) - won).toBeLessThan(LEASE);
  });

  it('renews at once under a new permission, whatever went wrong under the last one', async () => {
    server.fate = (request) => (request.method === 'PUT' ? 'hang' : 'answer');
    keeper.permit(permission({ interval: millis(20_000) }));
    keeper.revoke();
    server.fate = () => 'answer';
    await change({ epoch: epoch(8) });
    keeper.permit(permission({ epoch: epoch(8) }));
    await until('a conflict or a renewal', () => renewed.length + conflicts > 0);
    expect(renewed[0]?.current.record.epoch).toBe(8);
  });

  it('revokes when it ends', async () => {
    keeper.permit(permission());
    stop.abort();
    await running;
    expect(keeper.isPermitted).toBe(false);
  });
});
