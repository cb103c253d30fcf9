import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { runBackup } from '../../../../src/archive/backup/run-backup.ts';
import type { PgwardenData } from '../../../../src/archive/backup/sentinel.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { findBinaries } from '../../../../src/postgres/find-binaries.ts';
import type { ArchivedPostgres } from '../postgres.ts';
import { restoreByHand, sentinelOf } from './restored.ts';
import { archived, keys, names, recover, Stage, signal, until } from './stage.ts';
import { checksummed, optionsOf, take } from './take.ts';

/** Postgres keeps WAL summaries below pg_wal from here on, and a backup has their directory, empty (basebackup.c). */
const SUMMARIES_SINCE = 17;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
}, 12 * 60_000);
afterAll(async () => await stage?.[Symbol.asyncDispose]());

describe('a backup of a primary under load', () => {
  let server: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;

  beforeAll(async () => {
    server = await checksummed();
    await server.start();
    settings = await stage.inDirectory();
    archive = await openArchive(settings);
    await server.startArchiver(settings);
    await server.query(
      'create table kept as select i, repeat(md5(i::text), 20) as filler from generate_series(1, 40000) i; create table shrinks as select * from kept; create unlogged table unlogged as select * from kept limit 100; create table goes as select * from kept limit 5000; checkpoint',
    );
  });
  afterAll(async () => await server?.[Symbol.asyncDispose]());

  test('has everything that was there at its end, whatever happened to the files meanwhile', async () => {
    const progress = new ProgressKeeper(() => undefined);
    // Slow enough for something to happen to every file.
    const running = runBackup(optionsOf(server, archive, { progress, rate: 20 * 1024 ** 2 }), signal);
    await until('the copy', () => progress.now.readBytes > 1024 ** 2);
    let rounds = 0;
    const load = (async () => {
      while (progress.now.phase === 'copy') {
        await server.query(
          `insert into kept select 100000 + ${rounds}, 'late' from generate_series(1, 50); update kept set filler = 'changed ${rounds}' where i % 97 = ${rounds % 97}`,
        );
        rounds += 1;
        if (rounds === 3) await server.query('delete from shrinks');
        if (rounds === 4) await server.query('vacuum (truncate) shrinks');
        if (rounds === 5) await server.query('drop table goes');
        if (rounds % 5 === 0) await server.query('checkpoint');
      }
    })();
    const backup = await running;
    await load;
    expect(rounds).toBeGreaterThan(5);
    const want = await server.query(
      'select count(*), md5(string_agg(i || filler, $$,$$ order by i, filler)) from kept',
    );
    await archived(server);

    const folder = `basebackups_005/${backup.name}/`;
    const stored = await keys(archive, folder);
    expect(stored).toContain(`${folder}metadata.json`);
    expect(stored).toContain(`${folder}tar_partitions/part_001.tar.zst`);
    expect(stored).toContain(`${folder}tar_partitions/pg_control.tar.zst`);
    expect(await names(archive)).toEqual([backup.name]);
    const sentinel = await sentinelOf(archive, backup.name);
    const { pgwarden } = sentinel.UserData as PgwardenData;
    expect(Object.keys(pgwarden.tars)).toHaveLength(stored.length - 2);
    expect(pgwarden).toMatchObject({ checksumsVerified: true, fromStandby: false, files: backup.files });
    expect(sentinel.SystemIdentifier).toBe(
      await server.value('select system_identifier::text from pg_control_system()'),
    );

    const restored = await restoreByHand(archive, backup.name);
    const there = await readdir(join(restored.data, 'pg_wal'));
    const { major } = await findBinaries(null);
    expect(there).toEqual(major < SUMMARIES_SINCE ? ['archive_status'] : ['archive_status', 'summaries']);
    await recover(restored, settings);
    expect(
      await restored.query(
        'select count(*), md5(string_agg(i || filler, $$,$$ order by i, filler)) from kept',
      ),
    ).toEqual(want);
    expect(await restored.value("select to_regclass('goes')")).toBeNull();
    expect(await restored.value('select count(*)::int from shrinks')).toBe(0);
    expect(await restored.value('select count(*)::int from unlogged')).toBe(0);
    await restored[Symbol.asyncDispose]();
  });

  test('is refused while another one runs, and taken by the next when its holder is dead', async () => {
    const progress = new ProgressKeeper(() => undefined);
    const first = runBackup(
      optionsOf(server, archive, { progress, member: 'pg-1', rate: 10 * 1024 ** 2 }),
      signal,
    );
    await until('the copy', () => progress.now.phase === 'copy');
    await expect(take(server, archive)).rejects.toMatchObject({
      code: 'BACKUP_RUNNING',
      message: expect.stringContaining('pg-1'),
    });
    const done = await first;
    expect(await names(archive)).toContain(done.name);
    expect((await keys(archive, 'pgwarden/backup-lock/')).length).toBe(1);
  });

  test('that is cancelled leaves nothing', async () => {
    const before = await keys(archive);
    const progress = new ProgressKeeper(() => undefined);
    const cancel = new AbortController();
    const running = runBackup(optionsOf(server, archive, { progress, rate: 5 * 1024 ** 2 }), cancel.signal);
    running.catch(() => undefined);
    await until('the copy', () => progress.now.readBytes > 1024 ** 2);
    cancel.abort();
    await expect(running).rejects.toMatchObject({ code: 'BACKUP_CANCELLED' });
    expect(await keys(archive)).toEqual(before);
    expect(
      await server.value(
        "select count(*)::int from pg_stat_activity where query like '%backup_start%' and pid <> pg_backend_pid()",
      ),
    ).toBe(0);
  });

  test('fails by the name of file and block where a page is damaged, and keeps the earlier ones', async () => {
    const before = await keys(archive);
    await server.query('create table damaged as select i from generate_series(1, 10000) i; checkpoint');
    const path = await server.value<string>("select pg_relation_filepath('damaged')");
    const file = await open(join(server.data, path), 'r+');
    await file.write(Buffer.from('rot'), 0, 3, 3 * 8192 + 5000);
    await file.close();
    await expect(take(server, archive)).rejects.toMatchObject({
      code: 'BACKUP_CHECKSUM',
      message: expect.stringContaining(`${path} block 3`),
      pages: [{ file: path, block: 3 }],
    });
    expect(await keys(archive)).toEqual(before);
    expect((await take(server, archive, { verifyChecksums: false })).name).toBeDefined();
    await server.query('drop table damaged');
  });

  test('ends with an error when Postgres goes away', async () => {
    const before = await keys(archive);
    const progress = new ProgressKeeper(() => undefined);
    const running = runBackup(optionsOf(server, archive, { progress, rate: 5 * 1024 ** 2 }), signal);
    running.catch(() => undefined);
    await until('the copy', () => progress.now.readBytes > 1024 ** 2);
    await server.stop('fast');
    await expect(running).rejects.toMatchObject({ code: 'BACKUP_INTERRUPTED' });
    expect(await keys(archive)).toEqual(before);
    await server.start();
  });
});
