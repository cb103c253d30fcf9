import { afterAll, beforeAll, expect, test } from 'vitest';
import { useSummarizingPostgres } from '../../summarizing-postgres.ts';
import { bootstrap, Fixture, joinTo, type Member, soon, sql, tl } from './fixture.ts';

const fixture = new Fixture();
let a: Member;
let b: Member;
let missing: string | null = null;

/** In this time without any write, the summarizer falls asleep for longer than a promotion may take here. */
const ASLEEP_AFTER = 14_000;

beforeAll(async () => {
  missing = await useSummarizingPostgres();
  if (missing !== null) return;
  const archiving = { archiveCommand: 'true', summarizeWal: true };
  a = await fixture.member('pg-0', {}, archiving);
  b = await fixture.member('pg-1', {}, archiving);
  await bootstrap(a);
  await joinTo(b, a);
}, 6 * 60_000);
afterAll(() => fixture.end());

test('a promotion wakes who summarizes WAL, which it waits for', async ({ skip }) => {
  if (missing !== null) skip(missing);
  expect(await sql(a, "select current_setting('summarize_wal') as on")).toEqual([{ on: 'on' }]);
  await sql(a, 'create table t as select 1 as i');
  await new Promise((resolve) => setTimeout(resolve, ASLEEP_AFTER));
  await a.instance.stop('kill');
  await b.instance.prepareToPromote('', soon());
  await b.instance.promote(tl(2), soon(3_000));
  await b.instance.openDoor(soon());
  expect(await sql(b, 'select i from t')).toEqual([{ i: 1 }]);
});
