import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePackages } from '../../../scripts/setup/pooler-tools.mjs';
import { DemoCluster } from '../cluster.ts';
import { connectTo } from '../connect.ts';
import { waitFor } from '../wait-for.ts';
import { Bench } from './pgbench.ts';
import { RunningPooler } from './running-pooler.ts';
import { StubbornClient } from './stubborn-client.ts';

const missing = await ensurePackages({ '/usr/sbin/pgbouncer': 'pgbouncer' });

describe.skipIf(missing !== null)(`clients of PgBouncer ${missing ?? ''}`, () => {
  let cluster: DemoCluster;
  let pooler: RunningPooler;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
    pooler = await RunningPooler.start(cluster);
  });
  afterAll(async () => {
    await pooler?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test('meet no error in twenty switchovers', async () => {
    const SWITCHOVERS = 20;
    await Bench.prepare(pooler.target(), 5);
    // Clients that never rest, ones that do, and ones that connect anew for each transaction.
    const benches = await Promise.all([
      Bench.start(pooler.target(), '-c', '6', '-j', '2'),
      Bench.start(pooler.target(), '-c', '2', '-R', '20'),
      Bench.start(pooler.target(), '-c', '2', '-C'),
    ]);
    try {
      for (let done = 0; done < SWITCHOVERS && !benches.some(({ isOver }) => isOver); done += 1) {
        await cluster.waitUntilComplete();
        await cluster.pgwarden('switchover');
      }
    } finally {
      const results = await Promise.all(benches.map((bench) => bench.end()));
      const all = results.reduce((sum, { processed }) => sum + processed, 0);
      process.stderr.write(`  ${all} transactions in ${SWITCHOVERS} switchovers through PgBouncer\n`);
      for (const { processed, ...rest } of results) {
        expect(rest, pooler.output).toEqual({ failed: 0, errors: [] });
        expect(processed).toBeGreaterThan(0);
      }
    }
    const epoch = (await cluster.status(await cluster.primary()))?.epoch ?? 0;
    expect(epoch).toBeGreaterThan(SWITCHOVERS);
  });

  test('are interrupted once by a failover, and lose nothing that was acknowledged', async () => {
    await cluster.waitUntilComplete();
    await cluster.query('create table stubborn (id text primary key)');
    const clients = Array.from({ length: 6 }, (_, index) =>
      new StubbornClient(pooler.target()).start(`c${index}`),
    );
    const written = (): number => clients.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    try {
      await waitFor('writes', () => written() > 100);
      await cluster.kill(await cluster.primary());
      await cluster.waitUntilComplete();
      const before = clients.map(({ acknowledged }) => acknowledged.length);
      await waitFor('every client to write again', () =>
        clients.every(({ acknowledged }, index) => acknowledged.length > (before[index] ?? 0) + 5),
      );
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    const told = clients.map(({ interruptions, errors, longestGap }) => ({
      interruptions,
      errors: errors.length,
      gap: Math.round(longestGap),
    }));
    process.stderr.write(`  a failover through PgBouncer: ${JSON.stringify(told)}\n`);
    for (const { interruptions, errors } of clients)
      expect(interruptions, `${errors.join('\n')}\n${pooler.output}`).toBeLessThanOrEqual(1);
    const rows = await cluster.query<{ id: string }>('select id from stubborn');
    const there = new Set(rows.map(({ id }) => id));
    expect(clients.flatMap(({ acknowledged }) => acknowledged).filter((id) => !there.has(id))).toEqual([]);
  });

  test('read from standbys by NAME_ro', async () => {
    await cluster.waitUntilComplete();
    const [place = { host: '', port: 0 }] = pooler.target().hosts;
    await waitFor('a standby to answer', async () => {
      const client = await connectTo(pooler.target('_ro'), place);
      try {
        const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
        return rows[0]?.standby === true;
      } finally {
        await client.end();
      }
    });
  });
});
