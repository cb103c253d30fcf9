import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunOptions } from '../../../../src/archive/backup/run-backup.ts';
import type { WrittenBackup } from '../../../../src/archive/backup/sentinel.ts';
import { WALG } from '../../../../src/archive/catalog/layout.ts';
import { listBackups } from '../../../../src/archive/catalog/list-backups.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { findBinaries } from '../../../../src/postgres/find-binaries.ts';
import { useSummarizingPostgres } from '../../../summarizing-postgres.ts';
import { Place } from '../../restore/restored.ts';
import type { ArchivedPostgres } from '../postgres.ts';
import { archived, keys, names, Stage, signal, until } from './stage.ts';
import { checksummed, primaryOf, standbyOf, take } from './take.ts';

const run = promisify(execFile);
const LATEST = { kind: 'latest' } as const;
const TABLES = ['kept', 'shrinks', 'grows', 'stays', 'made', 'again'] as const;

let stage: Stage;
let missing: string | null = null;
beforeAll(async () => {
  missing = await useSummarizingPostgres();
  stage = await Stage.open();
}, 12 * 60_000);
beforeEach(({ skip }) => {
  if (missing !== null) skip(missing);
});
afterAll(async () => await stage?.[Symbol.asyncDispose]());

/** An increment, and why it is whole if it is. */
async function takeIncrement(
  server: ArchivedPostgres,
  archive: WalArchive,
  most = 6,
  change: Partial<RunOptions> = {},
): Promise<WrittenBackup & { readonly why: string | null }> {
  let why: string | null = null;
  const increment = {
    most,
    onWhole: (told: string) => {
      why = told;
    },
  };
  return { ...(await take(server, archive, { increment, ...change })), why };
}

async function sums(ask: (text: string) => Promise<object[]>): Promise<object> {
  const found: Record<string, object | undefined> = {};
  for (const table of TABLES)
    found[table] = (
      await ask(`select count(*)::int, md5(string_agg(t::text, ',' order by t::text)) from ${table} t`).catch(
        () => [],
      )
    )[0];
  return found;
}

async function filesOf(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).filter((name) => name.includes('INCREMENTAL'));
}

describe('a backup of what changed', () => {
  let server: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;
  let whole: WrittenBackup;

  beforeAll(async () => {
    if (missing !== null) return;
    server = await checksummed();
    await server.configure(['summarize_wal = on']);
    await server.start();
    settings = await stage.inDirectory();
    archive = await openArchive(settings);
    await server.startArchiver(settings);
    await server.query(
      `create table kept as select i, repeat(md5(i::text), 20) as filler from generate_series(1, 40000) i;
       create table stays as select * from kept;
       create table shrinks as select * from kept;
       create table grows as select * from kept limit 1000;
       create table goes as select * from kept limit 5000;
       create table again as select * from kept limit 5000;
       create index on kept (i)`,
    );
    whole = await take(server, archive);
  });
  afterAll(async () => await server?.[Symbol.asyncDispose]());

  test('has the changed blocks only, and with what it is of all that was there', async () => {
    await server.query(`update kept set filler = 'changed' where i % 4000 = 0`);
    await server.query(`insert into grows select i, 'grown' from generate_series(1, 100000) i`);
    await server.query('delete from shrinks where i > 10000');
    await server.query('vacuum (truncate) shrinks');
    await server.query(`insert into shrinks select i, 'after it was cut' from generate_series(1, 9000) i`);
    await server.query('drop table goes');
    await server.query('create table made as select * from kept limit 3000');
    await server.query('truncate again');
    await server.query('insert into again select i from generate_series(1, 10) i');
    await server.query('create database other strategy file_copy');
    const first = await takeIncrement(server, archive);
    expect(first).toMatchObject({ parent: whole.name, why: null });
    expect(first.dataBytes).toBeLessThan(whole.dataBytes / 2);

    await server.query(`update kept set filler = 'changed again' where i % 5000 = 0`);
    await server.query('delete from grows where i > 50000');
    await server.query('vacuum (truncate, freeze) grows');
    const second = await takeIncrement(server, archive);
    expect(second).toMatchObject({ parent: first.name, why: null });
    expect(second.dataBytes).toBeLessThan(whole.dataBytes / 4);
    await server.query(`insert into kept values (-1, 'only in WAL')`);
    const want = await sums((text) => server.query(text));
    await archived(server);

    const { backups } = await listBackups({ store: archive.store, layout: WALG }, signal);
    expect(backups.map(({ parent, changes }) => [parent, changes])).toEqual([
      [null, null],
      [whole.name, 'postgres'],
      [first.name, 'postgres'],
    ]);
    // WAL-G would put the new pg_control beside the old pages.
    const sentinels = (await keys(archive)).filter((key) => key.endsWith('_backup_stop_sentinel.json'));
    expect(sentinels).toEqual([`basebackups_005/${whole.name}_backup_stop_sentinel.json`]);

    await using place = await Place.make();
    const restored = await place.restore(settings.url, LATEST);
    expect(restored).toMatchObject({ backup: second.name });
    expect(await filesOf(place.data)).toEqual([]);
    expect(await sums((text) => place.ask(text))).toEqual(want);
    await place.stop();
    const { directory } = await findBinaries(null);
    await run(join(directory, 'pg_checksums'), ['--check', '-D', place.data]);
    await run(join(directory, 'pg_controldata'), ['-D', place.data]);

    await using earlier = await Place.make();
    await earlier.restore(settings.url, { kind: 'immediate' }, { backup: first.name });
    expect(await earlier.ask('select count(*)::int from grows')).toEqual([{ count: 101_000 }]);
  }, 120_000);

  test('is a whole one once as many follow one another as are wanted', async () => {
    const { parent, why } = await takeIncrement(server, archive, 2);
    expect(parent).toBeNull();
    expect(why).toMatch(/is the increment number 2, and backup.incrementsMost is 2/);
    expect(await takeIncrement(server, archive, 2)).toMatchObject({ why: null });
  }, 60_000);

  test('of a restore that is cut off goes on where it was', async () => {
    await using place = await Place.make();
    const cut = new AbortController();
    const restoring = place.restore(settings.url, LATEST, {
      signal: cut.signal,
      report: ({ phase }) => {
        if (phase === 'checking') cut.abort(new Error('cut off'));
      },
    });
    await expect(restoring).rejects.toThrow();
    await place.restore(settings.url, LATEST);
    expect(place.said.some((text) => text.includes('goes on'))).toBe(true);
    expect(await sums((text) => place.ask(text))).toEqual(await sums((text) => server.query(text)));
  }, 60_000);

  test('of which a part is gone is refused, with what can be restored instead', async () => {
    const all = await names(archive);
    const parent = all.at(-2) ?? '';
    const sentinel = `basebackups_005/${parent}_backup_stop_sentinel.json`;
    const content = await archive.store.get(sentinel, { signal });
    const bytes: Uint8Array[] = [];
    for await (const piece of content.body) bytes.push(piece);
    await archive.store.deleteMany([sentinel], { signal });
    try {
      await using place = await Place.make();
      await expect(place.restore(settings.url, LATEST, { backup: all.at(-1) ?? '' })).rejects.toMatchObject({
        message: expect.stringMatching(/one that leads to it is gone/),
      });
      // Without a name, the newest that is whole again.
      expect(await place.restore(settings.url, LATEST, { dryRun: true })).toMatchObject({
        backup: all.at(-3),
      });
    } finally {
      await archive.store.put(sentinel, Buffer.concat(bytes), { signal });
    }
  }, 60_000);

  test('is whole where a server has no summaries of before its own beginning', async () => {
    await using standby = await standbyOf(server);
    await caughtUp(standby, server);
    const { parent, why } = await takeIncrement(standby, archive, 6, { primary: primaryOf(server) });
    expect(parent).toBeNull();
    expect(why).toMatch(/has no summary of WAL from/);
  }, 60_000);

  test('is of a backup of before a takeover, where nothing of that was left behind', async () => {
    await using standby = await standbyOf(server);
    await caughtUp(standby, server);
    const before = await take(server, archive);
    await server.query(`update kept set filler = 'before the takeover' where i % 3000 = 0`);
    await archived(server);
    await caughtUp(standby, server);
    await server.stop('kill');
    await promote(standby);
    await standby.startArchiver(settings);
    await standby.query(`update kept set filler = 'after the takeover' where i % 3500 = 0`);
    const after = await takeIncrement(standby, archive);
    expect(after).toMatchObject({ parent: before.name, timeline: 2, why: null });
    await archived(standby);
    await using place = await Place.make();
    expect(await place.restore(settings.url, LATEST)).toMatchObject({ backup: after.name });
    expect(await sums((text) => place.ask(text))).toEqual(await sums((text) => standby.query(text)));
  }, 90_000);
});

/** Promotion waits for the summarizer (xlog.c, CleanupAfterArchiveRecovery), which sleeps up to half a minute. */
async function promote(standby: ArchivedPostgres): Promise<void> {
  const pid = await standby.value<number>(
    "select pid from pg_stat_activity where backend_type = 'walsummarizer'",
  );
  const waking = setInterval(() => process.kill(pid, 'SIGHUP'), 50);
  await standby.query('select pg_promote()').finally(() => clearInterval(waking));
}

async function caughtUp(standby: ArchivedPostgres, primary: ArchivedPostgres): Promise<void> {
  const lsn = await primary.value<string>('select pg_current_wal_lsn()::text');
  await until('the standby', () => standby.value<boolean>(`select pg_last_wal_replay_lsn() >= '${lsn}'`));
}
