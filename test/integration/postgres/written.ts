import { expect } from 'vitest';
import { type Member, sql } from './fixture.ts';

/**
 * What a primary has written: the next transaction ID, and up to where there is WAL. (How far WAL is flushed lags behind
 * that, and follows by itself.)
 */
async function written(member: Member): Promise<{ xid: string; lsn: string }> {
  const rows = await sql(
    member,
    'select pg_snapshot_xmax(pg_current_snapshot())::text as xid, pg_current_wal_insert_lsn()::text as lsn',
  );
  return (rows as { xid: string; lsn: string }[])[0]!;
}

/**
 * Expects that an act changes nothing: it takes no transaction ID, and, once done, writes no WAL when done again. The
 * first time it may: under checksums a read logs the pages whose hint bits it sets (documentation, wal_log_hints), and
 * it prunes; and the background writer logs the running transactions by itself.
 */
export async function expectNothingWritten(member: Member, act: () => Promise<unknown>): Promise<void> {
  const before = await written(member);
  await act();
  expect((await written(member)).xid).toBe(before.xid);
  const again = async (): Promise<boolean> => {
    const { lsn } = await written(member);
    await act();
    return (await written(member)).lsn === lsn;
  };
  await expect.poll(again, { timeout: 5_000 }).toBe(true);
}
