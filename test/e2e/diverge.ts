import { readFileSync } from 'node:fs';
import { faultMember } from '../../src/demo/fault.ts';
import { processesIn } from '../../src/demo/processes.ts';
import { demoMember, openDemo } from '../../src/demo/state.ts';
import type { DemoCluster } from './cluster.ts';
import { abandon, connectReadWrite } from './connect.ts';

const title = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
};

export async function dataDirectory(cluster: DemoCluster, name: string): Promise<string> {
  return (await cluster.member(name)).dataDirectory;
}

/** The member's directory: PGDATA and what lies beside it. */
export async function volumeOf(cluster: DemoCluster, name: string): Promise<string> {
  return demoMember(await openDemo(cluster.dir), name).volume;
}

/** As `cluster.kill`, without the time that a command takes to start. */
export async function killAtOnce(cluster: DemoCluster, name: string): Promise<void> {
  const demo = await openDemo(cluster.dir);
  await faultMember(demo, demoMember(demo, name), { what: 'all', signal: 'SIGKILL', stayDown: false });
}

/**
 * Lets the primary write what no standby gets: its walsenders are frozen, and rows are committed that wait for
 * nobody (`synchronous_commit = local`). The primary has then to be killed before the walsenders' silence ends its role.
 * Returns how many rows only it has.
 */
export async function divergeAndKill(cluster: DemoCluster, primary: string): Promise<number> {
  const rows = 5000;
  const directory = await dataDirectory(cluster, primary);
  const { client } = await connectReadWrite(cluster.url);
  try {
    await client.query('CREATE TABLE IF NOT EXISTS only_here (id bigserial, note text)');
    await client.query('SET synchronous_commit = local');
    // The postmaster first: a standby that connects anew would get everything.
    await cluster.kill(primary, { what: 'postgres', signal: 'STOP' });
    for (const { pid } of processesIn(directory)) {
      if (title(pid).includes('walsender')) process.kill(pid, 'SIGSTOP');
    }
    await client.query(
      `INSERT INTO only_here (note) SELECT repeat('x', 500) FROM generate_series(1, ${rows})`,
    );
    await cluster.kill(primary, { stayDown: true });
  } finally {
    abandon(client);
  }
  return rows;
}
