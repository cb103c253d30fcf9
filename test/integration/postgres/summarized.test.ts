import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '../../../src/postgres/find-binaries.ts';
import { bootstrap, Fixture, joinTo, type Member, soon, sql, tl } from './fixture.ts';

const { major } = await findBinaries(null);
const fixture = new Fixture();
let a: Member;
let b: Member;

/** In this time without any write, the summarizer falls asleep for longer than a promotion may take here. */
const ASLEEP_AFTER = 14_000;

beforeAll(async () => {
  const archiving = { archiveCommand: 'true', summarizeWal: true };
  a = await fixture.member('pg-0', {}, archiving);
  b = await fixture.member('pg-1', {}, archiving);
  await bootstrap(a);
  await joinTo(b, a);
});
afterAll(() => fixture.end());

test.skipIf(major < 17)('a promotion wakes who summarizes WAL, which it waits for', async () => {
  expect(await sql(a, "select current_setting('summarize_wal') as on")).toEqual([{ on: 'on' }]);
  await sql(a, 'create table t as select 1 as i');
  await new Promise((resolve) => setTimeout(resolve, ASLEEP_AFTER));
  await a.instance.stop('kill');
  await b.instance.prepareToPromote('', soon());
  await b.instance.promote(tl(2), soon(3_000));
  await b.instance.openDoor(soon());
  expect(await sql(b, 'select i from t')).toEqual([{ i: 1 }]);
});
