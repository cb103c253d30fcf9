import type { KubernetesCluster } from './cluster.ts';
import type { RemoteWriter } from './load/remote-writer.ts';

export interface Before {
  readonly primary: string;
  readonly node: string;
  readonly writer: RemoteWriter;
}

export interface Scenario {
  readonly name: string;
  /** No longer than this may nothing be acknowledged; it allows for a busy machine. */
  readonly longestGapMillis: number;
  readonly members?: number;
  /** Pods whose containers the fault itself ends may be started again; no other. */
  readonly mayRestart?: (primary: string) => readonly string[];
  /** From this machine instead: for faults that end every `kubectl exec`. */
  readonly writeFromHere?: boolean;
}

/**
 * One fault under a steady write load through the `-rw` Service, from a node that the fault leaves alone. It is over
 * when writes were acknowledged again after it. Then, with nobody's help: the cluster is complete, every acknowledged
 * row is on every member, no two histories acknowledged, and no probe restarted a container. Prints the longest gap.
 */
export async function underFault(
  cluster: KubernetesCluster,
  scenario: Scenario,
  fault: (before: Before) => Promise<undefined | (() => Promise<unknown>)>,
): Promise<void> {
  const members = scenario.members ?? 3;
  await cluster.waitUntilComplete(members);
  const primary = await cluster.primary();
  const node = await cluster.nodeOf(primary);
  const restarts = await cluster.restarts();
  const exempt = new Set(
    await Promise.all(
      (scenario.mayRestart?.(primary) ?? []).map(async (name) => (await cluster.pod(name)).metadata.uid),
    ),
  );
  const writer = scenario.writeFromHere ? await cluster.writeFromHere() : await cluster.write(node);
  const since = await writer.now();
  let heal: undefined | (() => Promise<unknown>);
  try {
    heal = await fault({ primary, node, writer });
    await writer.waitForWrites(100, 120_000);
    const millis = await writer.longestGap(since);
    await heal?.();
    heal = undefined;
    const { acknowledged } = await cluster.verify(writer, members);
    process.stderr.write(`  write gap ${Math.round(millis)} ms, ${acknowledged} writes: ${scenario.name}\n`);
    for (const [uid, count] of await cluster.restarts()) {
      const before = restarts.get(uid);
      if (before !== undefined && count > before && !exempt.has(uid))
        throw new Error(`a container of pod ${uid} was restarted ${count - before} times`);
    }
    if (millis > scenario.longestGapMillis) {
      throw new Error(`nothing was acknowledged for ${Math.round(millis)} ms`);
    }
  } catch (error) {
    await cluster.keepEvidence(scenario.name);
    throw new Error(`${scenario.name}: ${(error as Error).message}`, { cause: error });
  } finally {
    writer.kill();
    await heal?.();
  }
}
