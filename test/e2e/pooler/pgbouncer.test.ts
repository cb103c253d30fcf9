import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePackages } from '../../../scripts/setup/pooler-tools.mjs';
import { DemoCluster } from '../cluster.ts';
import { waitFor } from '../wait-for.ts';
import { Bench } from './pgbench.ts';
import { RunningPooler } from './running-pooler.ts';
import { underStubbornClients } from './stubborn-group.ts';
import { answeringPort } from './target.ts';

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
    const told = await underStubbornClients(cluster, pooler.target(), async () =>
      cluster.kill(await cluster.primary()),
    );
    for (const { interruptions, errors } of told)
      expect(interruptions, `${errors.join('\n')}\n${pooler.output}`).toBeLessThanOrEqual(1);
  });

  test('read from standbys by NAME_ro', async () => {
    await cluster.waitUntilComplete();
    const ports = await Promise.all(
      (await cluster.standbys()).map(async (name) => (await cluster.member(name)).port),
    );
    await waitFor('a standby to answer', async () =>
      ports.includes(await answeringPort(pooler.target('_ro'))),
    );
  });
});
