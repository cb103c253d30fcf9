import type { DemoCluster } from '../cluster.ts';
import type { MultiHostUrl } from '../connect.ts';
import { waitFor } from '../wait-for.ts';
import { StubbornClient } from './stubborn-client.ts';

export interface Told {
  readonly interruptions: number;
  readonly errors: readonly string[];
  /** Milliseconds. */
  readonly longestGap: number;
}

/**
 * Clients that write through `target` while `fault` happens and until the cluster is whole again, each of them then
 * once more. Throws where a row that was acknowledged is lost.
 */
export async function underStubbornClients(
  cluster: DemoCluster,
  target: MultiHostUrl,
  fault: () => Promise<void>,
): Promise<readonly Told[]> {
  await cluster.waitUntilComplete();
  await cluster.query('create table if not exists stubborn (id text primary key)');
  await cluster.query('truncate stubborn');
  const clients = Array.from({ length: 6 }, (_, index) => new StubbornClient(target).start(`c${index}`));
  try {
    await waitFor('every client to write', () =>
      clients.every(({ acknowledged }) => acknowledged.length > 10),
    );
    await fault();
    await cluster.waitUntilComplete();
    const before = clients.map(({ acknowledged }) => acknowledged.length);
    await waitFor('every client to write again', () =>
      clients.every(({ acknowledged }, index) => acknowledged.length > (before[index] ?? 0) + 5),
    );
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  const rows = await cluster.query<{ id: string }>('select id from stubborn');
  const there = new Set(rows.map(({ id }) => id));
  const lost = clients.flatMap(({ acknowledged }) => acknowledged).filter((id) => !there.has(id));
  if (lost.length > 0) throw new Error(`acknowledged and lost: ${lost.slice(0, 5).join(', ')}`);
  const told = clients.map(({ interruptions, errors, longestGap }) => ({
    interruptions,
    errors,
    longestGap,
  }));
  const short = told.map(
    (one) => `${one.interruptions}/${one.errors.length}/${Math.round(one.longestGap)} ms`,
  );
  process.stderr.write(`  interruptions/errors/gap of each client: ${short.join(', ')}\n`);
  return told;
}
