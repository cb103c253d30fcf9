import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePackages } from '../../../scripts/setup/pooler-tools.mjs';
import { DemoCluster } from '../cluster.ts';
import { waitFor } from '../wait-for.ts';
import { RunningHaproxy } from './running-haproxy.ts';
import { RunningPgpool } from './running-pgpool.ts';
import { underStubbornClients } from './stubborn-group.ts';
import { answeringPort, queryAt } from './target.ts';

const noHaproxy = await ensurePackages({ '/usr/sbin/haproxy': 'haproxy' });
const noPgpool = noHaproxy ?? (await ensurePackages({ '/usr/sbin/pgpool': 'pgpool2' }));

let cluster: DemoCluster;
let haproxy: RunningHaproxy;
const portsOf = async (names: readonly string[]): Promise<readonly number[]> =>
  await Promise.all(names.map(async (name) => (await cluster.member(name)).port));

describe.skipIf(noHaproxy !== null)(`clients of HAProxy with the example ${noHaproxy ?? ''}`, () => {
  beforeAll(async () => {
    cluster = await DemoCluster.start();
    haproxy = await RunningHaproxy.start(cluster);
  });
  afterAll(async () => {
    await haproxy?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test('write to the primary, and read from every standby and from nobody else', async () => {
    await cluster.waitUntilComplete();
    const standbys = await portsOf(await cluster.standbys());
    expect(await answeringPort(haproxy.target())).toEqual((await portsOf([await cluster.primary()]))[0]);
    const seen = new Set<number>();
    await waitFor('both standbys to have answered', async () => {
      seen.add(await answeringPort(haproxy.target('read')));
      return standbys.every((port) => seen.has(port));
    });
  });

  test('are interrupted once by a switchover, and go on at the new primary', async () => {
    const told = await underStubbornClients(cluster, haproxy.target(), async () => {
      await cluster.pgwarden('switchover');
    });
    for (const { interruptions, errors } of told)
      expect(interruptions, errors.join('\n')).toBeLessThanOrEqual(1);
  });

  test('are interrupted once by a failover, and go on at the new primary', async () => {
    const told = await underStubbornClients(cluster, haproxy.target(), async () =>
      cluster.kill(await cluster.primary()),
    );
    for (const { interruptions, errors } of told)
      expect(interruptions, errors.join('\n')).toBeLessThanOrEqual(1);
  });

  describe.skipIf(noPgpool !== null)(
    `and of Pgpool-II with the files of its component ${noPgpool ?? ''}`,
    () => {
      let pgpool: RunningPgpool;
      beforeAll(async () => {
        await cluster.waitUntilComplete();
        pgpool = await RunningPgpool.start(cluster, haproxy);
      });
      afterAll(async () => pgpool?.[Symbol.asyncDispose]());

      async function readsFromStandbys(): Promise<void> {
        const standbys = await portsOf(await cluster.standbys());
        const seen = new Set<number>();
        await waitFor('both standbys to have answered', async () => {
          seen.add(await answeringPort(pgpool.target()));
          return standbys.every((port) => seen.has(port));
        });
      }

      test('read from the standbys and write to the primary, by the same port', async () => {
        await readsFromStandbys();
        await queryAt(pgpool.target(), 'create table if not exists by_pgpool (at text)');
        const insert = "insert into by_pgpool values (current_setting('port')) returning at";
        const [row] = await queryAt<{ at: string }>(pgpool.target(), insert);
        expect([Number(row?.at)]).toEqual(await portsOf([await cluster.primary()]));
      });

      test('go on after a failover, without a restart of it', async () => {
        await underStubbornClients(cluster, pgpool.target(), async () =>
          cluster.kill(await cluster.primary()),
        );
        expect(pgpool.isRunning, pgpool.output).toBe(true);
        await readsFromStandbys();
      });

      test('go on after a switchover, without a restart of it', async () => {
        await underStubbornClients(cluster, pgpool.target(), async () => {
          await cluster.pgwarden('switchover');
        });
        expect(pgpool.isRunning, pgpool.output).toBe(true);
        await readsFromStandbys();
      });
    },
  );
});
