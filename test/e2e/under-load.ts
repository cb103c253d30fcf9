import type { DemoCluster } from './cluster.ts';
import { roleLabels, signalApi } from './leases.ts';
import { story } from './story.ts';
import { waitFor } from './wait-for.ts';
import { Writer } from './writer.ts';

/** The cluster as it was just before the fault. */
export interface Before {
  readonly primary: string;
  readonly standbys: readonly string[];
  readonly writer: Writer;
}

export interface Scenario {
  /** For the line that tells of the write gap. */
  readonly name: string;
  /** No longer than this may nothing be acknowledged, counted from the fault; it allows for a busy machine. */
  readonly longestGapMillis: number;
  /** As of Writer: where a fault leaves connections that nobody ends, as frozen processes do. */
  readonly deadAfterMillis?: number;
}

/**
 * One fault under a steady write load through the multi-host URL. `fault` may itself undo what it did (go on,
 * revive); it is over when writes were acknowledged again after it. Then, with nobody's help: one primary, every
 * other member streams, every acknowledged row is on every member, no two histories acknowledged, and one pod alone
 * carries the label of the primary. Prints the longest write gap.
 */
export async function underLoad(
  cluster: DemoCluster,
  scenario: Scenario,
  fault: (before: Before) => Promise<void>,
): Promise<void> {
  await cluster.waitUntilComplete({ timeoutMillis: 30_000 });
  const began = new Date();
  const primary = await cluster.primary();
  const standbys = cluster.names.filter((name) => name !== primary);
  const writer = await new Writer(cluster.url, {
    connections: 8,
    ...(scenario.deadAfterMillis === undefined ? {} : { deadAfterMillis: scenario.deadAfterMillis }),
  }).start();
  const since = performance.now();
  try {
    await fault({ primary, standbys, writer });
    await writer.waitForWrites(100);
    await cluster.verify(writer);
    const { millis } = writer.longestGap(since);
    process.stderr.write(
      `  write gap ${Math.round(millis)} ms, ${writer.acknowledged.size} writes: ${scenario.name}\n`,
    );
    if (millis > scenario.longestGapMillis) {
      throw new Error(`nothing was acknowledged for ${Math.round(millis)} ms`);
    }
    const now = await cluster.primary();
    await waitFor('one pod to be labelled as the primary', async () => {
      const labels = await roleLabels(cluster);
      return cluster.names.every((name) => labels.get(name) === (name === now ? 'primary' : 'standby'));
    });
  } catch (error) {
    const told = await story(cluster.dir, cluster.names, began);
    const errors = [...writer.errors].map(([message, count]) => `${count} × ${message}`).join('; ');
    const [what] = (error as Error).message.split('\n== ');
    throw new Error(`${scenario.name}: ${what}\n${told}\nthe writer met: ${errors}`);
  } finally {
    await writer.stop();
    // A scenario that failed half-way must not make the next ones fail too.
    for (const name of cluster.names) await cluster.revive(name);
    await signalApi(cluster, 'SIGCONT').catch(() => {});
  }
}
