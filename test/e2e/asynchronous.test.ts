import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { openDemo } from '../../src/demo/state.ts';
import { DemoCluster } from './cluster.ts';
import { getLease, recordOf } from './leases.ts';
import { waitFor } from './wait-for.ts';
import { Writer } from './writer.ts';

/** Changes every member's configuration file, and has them read it. */
async function configure(
  cluster: DemoCluster,
  change: Record<string, Record<string, unknown>>,
): Promise<void> {
  for (const { config } of (await openDemo(cluster.dir)).members) {
    const before = parse(await readFile(config, 'utf8')) as Record<string, Record<string, unknown>>;
    for (const [section, values] of Object.entries(change)) {
      before[section] = { ...before[section], ...values };
    }
    await writeFile(config, stringify(before));
  }
  await cluster.pgwarden('reload');
}

describe('three members that acknowledge without waiting (acks: 0)', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
    await configure(cluster, { ha: { acks: 0 } });
    await waitFor('the record to say so', async () => {
      const { acks } = recordOf(await getLease(cluster)).settled as { acks: number };
      return acks === 0;
    });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const fault = async (name: string, act: (primary: string) => Promise<void>): Promise<void> => {
    await cluster.waitUntilComplete();
    const primary = await cluster.primary();
    const writer = await new Writer(cluster.url, { connections: 4, deadAfterMillis: 3000 }).start();
    const since = performance.now();
    try {
      await act(primary);
      await waitFor('another primary', async () => (await cluster.primary()) !== primary);
      await writer.waitForWrites(50);
      await cluster.revive(primary);
      await cluster.waitUntilComplete();
      expect(writer.stale).toEqual([]);
    } finally {
      await writer.stop();
    }
    process.stderr.write(`  write gap ${Math.round(writer.longestGap(since).millis)} ms: ${name}\n`);
  };

  test('take over a Lease that was released, when the postmaster was killed', () =>
    fault('asynchronous, postmaster killed', (primary) => cluster.kill(primary, { what: 'postgres' })));

  test('take over a Lease that has expired, when everything was killed', () =>
    fault('asynchronous, everything killed', (primary) => cluster.kill(primary, { stayDown: true })));

  test('never let two acknowledge when the agent freezes', () =>
    fault('asynchronous, agent frozen', (primary) =>
      cluster.kill(primary, { what: 'agent', signal: 'STOP' }),
    ));

  test('hand over without losing anything', async () => {
    await cluster.waitUntilComplete();
    const [target = ''] = await cluster.standbys();
    const writer = await new Writer(cluster.url, { connections: 4 }).start();
    await cluster.pgwarden('switchover', '--target', target);
    await writer.waitForWrites(50);
    expect(await cluster.primary()).toBe(target);
    await cluster.verify(writer);
  });
});
