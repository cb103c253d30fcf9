import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { ask, configure, leases, scale, uids, waitUntilAll } from './change.ts';
import { KubernetesCluster } from './cluster.ts';
import { testLong } from './long.ts';
import { underFault } from './under-fault.ts';

const UNDISTURBED_MILLIS = 2000;
const BUSY_MILLIS = 10_000;

describe('a cluster that is changed by kubectl', () => {
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    cluster = await KubernetesCluster.start({ image: inject('image') });
    await cluster.waitUntilComplete();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('the same manifests applied again change nothing', async () => {
    // kubectl says `configured` of lists whose defaults it does not know; what counts is the generation.
    const generations = async (): Promise<string> =>
      await cluster.kubectl([
        ...['get', 'statefulset,pdb,networkpolicy,service,role,rolebinding,configmap'],
        ...['-l', 'app.kubernetes.io/instance=pg'],
        ...['-o', 'jsonpath={range .items[*]}{.kind} {.metadata.uid} {.metadata.generation}{"\\n"}{end}'],
      ]);
    const before = { generations: await generations(), pods: await uids(cluster) };
    expect(before.generations).toContain('StatefulSet');
    const changed = (await cluster.apply()).split('\n').filter((line) => line.endsWith(' created'));
    expect(changed).toEqual([]);
    expect({ generations: await generations(), pods: await uids(cluster) }).toEqual(before);
  });

  // The way to larger volumes: the template of claims cannot be changed in place.
  test('a StatefulSet deleted without its pods and applied with other claims restarts nothing', async () => {
    const scenario = { name: 'StatefulSet orphaned', longestGapMillis: UNDISTURBED_MILLIS };
    await underFault(cluster, scenario, async () => {
      const before = await uids(cluster);
      await cluster.kubectl(['delete', 'statefulset', 'pg', '--cascade=orphan']);
      const storage = '/spec/volumeClaimTemplates/0/spec/resources/requests/storage';
      const larger = JSON.stringify([{ op: 'replace', path: storage, value: '20Gi' }]);
      await cluster.apply({ patches: [{ target: { kind: 'StatefulSet', name: 'pg' }, patch: larger }] });
      await waitFor('the pods to be adopted', async () => {
        const owners = await cluster.kubectl([
          ...['get', 'pods', '-l', 'app.kubernetes.io/name=pgwarden'],
          ...['-o', 'jsonpath={.items[*].metadata.ownerReferences[0].kind}'],
        ]);
        return owners === 'StatefulSet StatefulSet StatefulSet';
      });
      expect(await uids(cluster)).toEqual(before);
      return undefined;
    });
  });

  test('a changed configuration is taken up without a restart of anything', async () => {
    const scenario = { name: 'configuration changed', longestGapMillis: UNDISTURBED_MILLIS };
    await underFault(cluster, scenario, async () => {
      const before = await uids(cluster);
      await configure(cluster, { 'postgres.parameters.work_mem': '12MB' });
      await waitUntilAll(cluster, 'show work_mem', '12MB');
      expect(await uids(cluster)).toEqual(before);
      return undefined;
    });
  });

  testLong('a setting that needs a restart waits for one, which keeps every pod', async () => {
    const scenario = { name: 'max_connections changed', longestGapMillis: BUSY_MILLIS };
    await underFault(cluster, scenario, async () => {
      const before = await uids(cluster);
      await configure(cluster, { 'postgres.parameters.max_connections': 150 });
      await waitFor(
        'every member to wait for a restart',
        async () => (await cluster.status()).members.every(({ pendingRestart }) => pendingRestart),
        { timeoutMillis: 60_000, intervalMillis: 1000 },
      );
      await cluster.pgwarden(['restart', '--pending']);
      await waitUntilAll(cluster, 'show max_connections', '150');
      expect(await uids(cluster)).toEqual(before);
      const [first, second] = (await Promise.all(Object.keys(before).map(restartOf)))
        .filter((restart) => restart !== null)
        .sort((a, b) => a.left.localeCompare(b.left));
      expect(first?.back.localeCompare(second?.left ?? ''), 'one standby at a time').toBe(-1);
      return undefined;
    });
  });

  testLong('a member whose claim and pod are deleted is built anew', async () => {
    const scenario = { name: 'volume lost', longestGapMillis: UNDISTURBED_MILLIS };
    await underFault(cluster, scenario, async ({ primary }) => {
      const [lost] = (await cluster.status()).members.filter(({ name }) => name !== primary);
      const { name = '', identity } = lost ?? {};
      await cluster.kubectl(['delete', 'pvc', `data-${name}`, '--wait=false']);
      await cluster.kubectl(['delete', 'pod', name]);
      await waitFor(
        'a new incarnation that streams',
        async () => {
          const now = (await cluster.status()).members.find((member) => member.name === name);
          return now?.streaming === true && now.identity !== null && now.identity !== identity;
        },
        { timeoutMillis: 120_000, intervalMillis: 1000 },
      );
      return undefined;
    });
  });

  testLong('scaled from 3 to 5, to 2, to none, and back, it loses nothing and forgets who left', async () => {
    const writer = await cluster.write();
    try {
      await writer.waitForWrites(100);
      const since = await writer.now();
      await scale(cluster, 5);
      await waitFor('five pods that stream', async () => {
        const { members } = await cluster.status();
        return members.filter(({ streaming }) => streaming).length === 4;
      });
      await configure(cluster, { 'cluster.members': 5 });
      await cluster.waitUntilComplete(5);
      expect((await cluster.status()).acks).toBe(2);
      // Fewer members: first they are told, then the pods go.
      await configure(cluster, { 'cluster.members': 2 });
      await waitFor(
        'the others to be counted no more',
        async () => (await cluster.status()).cohort.length === 1,
        {
          timeoutMillis: 120_000,
          intervalMillis: 500,
        },
      );
      await scale(cluster, 2);
      await cluster.waitUntilComplete(2);
      const gap = await writer.longestGap(since);
      process.stderr.write(`  write gap ${Math.round(gap)} ms: scaled 3, 5, 2\n`);
      expect(gap).toBeLessThan(BUSY_MILLIS);
      await waitFor(
        'the records and slots of who left to go',
        async () => {
          const slots = await ask(
            cluster,
            await cluster.primary(),
            'select count(*) from pg_replication_slots',
          );
          return (await leases(cluster)).join() === 'pg,pg-pg-0,pg-pg-1' && slots === '1';
        },
        { timeoutMillis: 90_000, intervalMillis: 2000 },
      );
      await writer.waitForWrites(100);
      expect((await writer.stop()).stale).toEqual([]);

      const { primary } = await cluster.status();
      await scale(cluster, 0);
      await waitFor('no pod to be left', async () => (await cluster.pods()).length === 0);
      await configure(cluster, { 'cluster.members': 3 });
      await scale(cluster, 3);
      await cluster.waitUntilComplete();
      expect((await cluster.status()).primary).toBe(primary);
      for (const { status } of await cluster.pods())
        await waitFor(
          'every acknowledged row',
          async () => (await writer.missingAt(cluster.url(status.podIP ?? ''))).length === 0,
        );
    } catch (error) {
      await cluster.keepEvidence('scale');
      throw error;
    } finally {
      writer.kill();
    }
  });

  /** From when to when the last restart of a standby took, by its own log; null: it is the primary. */
  async function restartOf(pod: string): Promise<{ readonly left: string; readonly back: string } | null> {
    const lines = (await cluster.kubectl(['logs', pod, '--since=2m']))
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { time: string; event: string; reason?: string; role?: string });
    const left = lines.findLast(({ event, reason }) => event === 'decision' && reason === 'it restarts');
    const back = lines.findLast(({ event, role }) => event === 'role.changed' && role === 'standby');
    return left === undefined || back === undefined ? null : { left: left.time, back: back.time };
  }
});
