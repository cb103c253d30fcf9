import type { Lsn } from '../../../src/ha/lsn.ts';
import type { DemoCluster } from '../cluster.ts';
import { abandon, connectReadWrite } from '../connect.ts';
import { waitFor } from '../wait-for.ts';

/** A committed row of `marks`, and where it is in WAL. */
export interface Mark {
  readonly xid: string;
  /** Behind its commit. */
  readonly lsn: Lsn;
  /** After its commit, and before the next one's. */
  readonly time: string;
  /** The segment that has its commit. */
  readonly file: string;
}

/** Commits row `id` where writes go. */
export async function mark(cluster: DemoCluster, id: number): Promise<Mark> {
  const { client } = await waitFor('a member that takes writes', () => connectReadWrite(cluster.url));
  try {
    await client.query('begin');
    const { rows: begun } = await client.query<{ xid: string }>('select txid_current()::text as xid');
    await client.query('insert into marks values ($1)', [id]);
    await client.query('commit');
    const { rows } = await client.query<Omit<Mark, 'xid'>>(
      'select lsn, pg_walfile_name(lsn) as file, clock_timestamp()::text as time from pg_current_wal_insert_lsn() as lsn',
    );
    const [after] = rows;
    if (after === undefined) throw new TypeError('no row');
    return { xid: begun[0]?.xid ?? '', ...after };
  } finally {
    abandon(client);
  }
}
