import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DemoCluster } from './cluster.ts';
import { divergeAndKill, killAtOnce, volumeOf } from './diverge.ts';
import { logLines } from './story.ts';
import { underLoad } from './under-load.ts';
import { waitFor } from './wait-for.ts';

describe('three members under a steady load', () => {
  let cluster: DemoCluster;
  beforeAll(async () => {
    cluster = await DemoCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const takenOverFrom = (victim: string) =>
    waitFor('another primary', async () => (await cluster.primary()) !== victim);

  test('acknowledge nothing while both standbys are lost, and go on with the first that returns', () =>
    underLoad(cluster, { name: 'both standbys lost', longestGapMillis: 20_000 }, async (before) => {
      const { standbys, primary, writer } = before;
      for (const name of standbys) await cluster.kill(name, { stayDown: true });
      const { acknowledged } = writer;
      // What was confirmed before the kill may still arrive.
      await waitFor('the writes to stop', () => writer.longestGap(performance.now() - 1).millis > 1000);
      const count = acknowledged.size;
      await waitFor(
        'three seconds without a write',
        () => writer.longestGap(performance.now() - 1).millis > 4000,
      );
      expect(acknowledged.size).toBe(count);
      await cluster.revive(standbys[0] ?? '');
      await writer.waitForWrites(100);
      expect(await cluster.primary()).toBe(primary);
      await cluster.revive(standbys[1] ?? '');
    }));

  test('elect nobody while the primary and a standby are lost, and go on when the standby returns', () =>
    underLoad(cluster, { name: 'primary and a standby lost', longestGapMillis: 25_000 }, async (before) => {
      const { standbys, primary, writer } = before;
      const [first = '', second = ''] = standbys;
      await Promise.all([primary, first].map((name) => cluster.kill(name, { stayDown: true })));
      await waitFor(
        'five seconds without a write',
        () => writer.longestGap(performance.now() - 1).millis > 5000,
      );
      // One of two in the cohort cannot know what the other acknowledged.
      expect(await cluster.primaries()).toEqual([]);
      expect((await cluster.status(second))?.role).toBe('standby');
      await cluster.revive(first);
      await takenOverFrom(primary);
      await writer.waitForWrites(100);
      await cluster.revive(primary);
    }));

  test('go on when the primary and a standby are lost and the primary returns first', () =>
    underLoad(
      cluster,
      { name: 'primary and a standby lost, primary first', longestGapMillis: 25_000 },
      async (before) => {
        const { standbys, primary } = before;
        const [first = ''] = standbys;
        await Promise.all([primary, first].map((name) => cluster.kill(name, { stayDown: true })));
        await cluster.revive(primary);
        await before.writer.waitForWrites(100);
        await cluster.revive(first);
      },
    ));

  for (const order of ['primary first', 'primary last']) {
    test(`go on after all three were killed at once and started again, the ${order}`, () =>
      underLoad(cluster, { name: `all three killed, ${order}`, longestGapMillis: 40_000 }, async (before) => {
        const { standbys, primary } = before;
        await Promise.all(cluster.names.map((name) => cluster.kill(name, { stayDown: true })));
        const all = order === 'primary first' ? [primary, ...standbys] : [...standbys, primary];
        const [one = '', two = '', three = ''] = all;
        await cluster.revive(one);
        await waitFor('its agent', async () => (await cluster.status(one)) !== null);
        await cluster.revive(two);
        await before.writer.waitForWrites(100);
        await cluster.revive(three);
      }));
  }

  test('go on after all three were told to end at once', () =>
    underLoad(cluster, { name: 'SIGTERM to all three', longestGapMillis: 40_000 }, async () => {
      await Promise.all(
        cluster.names.map((name) => cluster.kill(name, { what: 'agent', signal: 'TERM', stayDown: true })),
      );
      for (const name of cluster.names) {
        await waitFor(`${name} to end`, async () => (await cluster.member(name)).agentPid === null);
      }
      for (const name of cluster.names.toReversed()) await cluster.revive(name);
    }));

  test('make a standby anew that comes back with an empty directory', () =>
    underLoad(cluster, { name: 'a standby emptied', longestGapMillis: 5000 }, async ({ standbys }) => {
      const [victim = ''] = standbys;
      await emptied(victim);
    }));

  test('make a primary anew that comes back with an empty directory', () =>
    underLoad(cluster, { name: 'the primary emptied', longestGapMillis: 10_000 }, async ({ primary }) => {
      await emptied(primary);
      await takenOverFrom(primary);
    }));

  const emptied = async (victim: string): Promise<void> => {
    const volume = await volumeOf(cluster, victim);
    await cluster.kill(victim, { stayDown: true });
    for (const entry of await readdir(volume)) await rm(join(volume, entry), { recursive: true });
    await cluster.revive(victim);
  };

  test('rewind an ex-primary that wrote what nobody else has', () =>
    underLoad(cluster, { name: 'a diverged primary', longestGapMillis: 10_000 }, async ({ primary }) => {
      const since = new Date();
      await divergeAndKill(cluster, primary);
      await takenOverFrom(primary);
      await cluster.revive(primary);
      await cluster.waitUntilComplete();
      const lines = await logLines(cluster.dir, primary, since);
      expect(lines.filter(({ msg }) => msg.startsWith('rewind:'))).toHaveLength(1);
      expect(lines.filter(({ msg }) => msg.startsWith('clone:'))).toHaveLength(0);
      expect(await cluster.queryMember(primary, 'SELECT count(*)::int AS count FROM only_here')).toEqual([
        { count: 0 },
      ]);
      // What it alone had is kept for a person to look at.
      const diverged = join(await volumeOf(cluster, primary), 'diverged');
      expect(await readdir(diverged)).not.toEqual([]);
    }));

  test('make a member anew whose rewind was interrupted', () =>
    underLoad(cluster, { name: 'an interrupted rewind', longestGapMillis: 10_000 }, async ({ primary }) => {
      const since = new Date();
      await divergeAndKill(cluster, primary);
      await takenOverFrom(primary);
      const marker = join(await volumeOf(cluster, primary), 'member', 'breaking.json');
      await cluster.revive(primary);
      await waitFor('the rewind', () => existsSync(marker), { intervalMillis: 1 });
      await killAtOnce(cluster, primary);
      expect(existsSync(marker)).toBe(true);
      await cluster.waitUntilComplete();
      const lines = await logLines(cluster.dir, primary, since);
      expect(lines.filter(({ msg }) => msg.startsWith('clone:'))).toHaveLength(1);
      expect(existsSync(marker)).toBe(false);
      expect(await cluster.queryMember(primary, 'SELECT count(*)::int AS count FROM only_here')).toEqual([
        { count: 0 },
      ]);
    }));
});
