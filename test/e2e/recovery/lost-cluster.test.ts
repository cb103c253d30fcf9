import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultMember } from '../../../src/demo/fault.ts';
import { openDemo } from '../../../src/demo/state.ts';
import { DemoCluster } from '../cluster.ts';
import { abandon, connectReadWrite } from '../connect.ts';
import { waitFor } from '../wait-for.ts';
import { Writer } from '../writer.ts';
import { TestBucket } from './bucket.ts';
import { configureMembers } from './member-settings.ts';
import { endSegment } from './superuser.ts';

/** What the loss of every volume may cost, with the live tail. */
const RPO = 2000;

let bucket: TestBucket;
let absent: string | null = null;

beforeAll(async () => {
  const obtained = await TestBucket.obtain();
  if (typeof obtained === 'string') absent = obtained;
  else bucket = obtained;
}, 12 * 60_000);
afterAll(async () => await bucket?.[Symbol.asyncDispose]());

describe.each([
  { how: 'with the live tail', tail: true, encrypted: false },
  { how: 'with the live tail, encrypted', tail: true, encrypted: true },
  { how: 'without the live tail, encrypted', tail: false, encrypted: true },
  { how: 'without the live tail', tail: false, encrypted: false },
])('a cluster that archives to a bucket $how', ({ tail, encrypted }) => {
  const prefix = `lost-${tail ? 'tail' : 'segments'}-${encrypted ? 'encrypted' : 'plain'}`;
  const archive = (name: string) => bucket.archive(name, { encrypted, tail });

  test('comes back out of the bucket when every volume and the record are lost', async (context) => {
    if (absent !== null) return context.skip(absent);
    const lost = await loseAll();
    await using cluster = await DemoCluster.start({
      timeoutSeconds: 180,
      prepare: (demo) =>
        configureMembers(demo, {
          archive: archive(`${prefix}-2`),
          bootstrap: { recovery: { from: bucket.urlOf(prefix) } },
        }),
    });
    const { client } = await connectReadWrite(cluster.url);
    const missing = await lost.writer.missingRows(client).finally(() => abandon(client));
    const ages = missing.map((id) => lost.at - (lost.writer.acknowledgedAt(id) ?? 0));
    process.stderr.write(
      `  lost the last ${Math.round(Math.max(0, ...ages))} ms (${missing.length} of ${lost.writer.acknowledged.size} rows), serves again after ${Math.round((performance.now() - lost.at) / 100) / 10} s: ${prefix}\n`,
    );
    if (tail) expect(Math.max(0, ...ages)).toBeLessThan(RPO);
    else expect(missing.filter((id) => lost.archived.has(id))).toEqual([]);
    const notes = await cluster.query<{ note: string }>('select note from notes order by 1');
    const expected = ['a: before the backup', 'b: after the backup', 'c: before the last segment'];
    expect(notes.map(({ note }) => note)).toEqual(tail ? [...expected, 'd: in no segment'] : expected);
    // It is a cluster like any other.
    const again = await new Writer(cluster.url, { connections: 2, table: 'afterwards' }).start();
    await cluster.verify(again);
  });

  /** A backup and more load, then the loss: what was acknowledged, and when. */
  async function loseAll() {
    await using cluster = await DemoCluster.start({
      prepare: (demo) => configureMembers(demo, { archive: archive(prefix) }),
    });
    await cluster.query("create table notes as select 'a: before the backup' as note");
    const note = (text: string) => cluster.query('insert into notes values ($1)', [text]);
    const writer = await new Writer(cluster.url, { connections: 8 }).start();
    await writer.waitForWrites(200);
    await cluster.pgwarden('backup', '--wait');
    await note('b: after the backup');
    await writer.waitForWrites(500);
    await note('c: before the last segment');
    const archived = new Set(writer.acknowledged);
    const segment = await endSegment(cluster);
    await waitFor('the segment in the archive', async () => {
      const [row] = await cluster.query<{ last: string | null }>(
        'select last_archived_wal as last from pg_stat_archiver',
      );
      return (row?.last ?? '') >= segment;
    });
    await note('d: in no segment');
    const noted = performance.now();
    await waitFor('the note to be as old as what may be lost', () => performance.now() - noted > RPO);
    await writer.waitForWrites(200);
    const demo = await openDemo(cluster.dir);
    const at = performance.now();
    await Promise.all(
      demo.members.map((member) =>
        faultMember(demo, member, { what: 'all', signal: 'SIGKILL', stayDown: true }),
      ),
    );
    await writer.stop();
    return { writer, at, archived };
  }
});
