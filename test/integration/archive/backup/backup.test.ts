import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { runBackup } from '../../../../src/archive/backup/run-backup.ts';
import type { PgwardenData } from '../../../../src/archive/backup/sentinel.ts';
import { WALG } from '../../../../src/archive/catalog/layout.ts';
import { listBackups } from '../../../../src/archive/catalog/list-backups.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../../s3/server.ts';
import { dropRoot } from '../../postgres/drop-root.ts';
import type { ArchivedPostgres } from '../postgres.ts';
import { restoreByHand, sentinelOf } from './restored.ts';
import { checksummed, LOCK, optionsOf, primaryOf, standbyOf, take } from './take.ts';

const signal = AbortSignal.timeout(30 * 60_000);
let s3: S3Server | null = null;
let noS3: string | null = null;
let directory = '';
let serial = 0;

beforeAll(async () => {
  const obtained = await obtainS3Server(dropRoot);
  s3 = obtained.server;
  noS3 = obtained.reason;
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-backup-'));
}, 12 * 60_000);
afterAll(async () => {
  await s3?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function inDirectory(change: Partial<ArchiveSettings> = {}): Promise<ArchiveSettings> {
  serial += 1;
  const path = join(directory, `store-${serial}`);
  await mkdir(path);
  return { url: `file://${path}`, s3: DEFAULT_S3, compression: 'zstd', keyFile: null, ...change };
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(20);
  }
}

async function keys(archive: WalArchive, prefix = 'basebackups_005/'): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of archive.store.list(prefix, { signal })) found.push(key);
  return found;
}

async function names(archive: WalArchive): Promise<string[]> {
  const { backups } = await listBackups({ store: archive.store, layout: WALG }, signal);
  return backups.map(({ id }) => id);
}

/** Recovers by pgwarden's own fetch, to the end of the archive. */
async function recovered(server: ArchivedPostgres, settings: ArchiveSettings): Promise<void> {
  await server.startFetcher(settings);
  await server.recoverFrom();
  await server.start();
  await until('the promotion', () => server.value<boolean>('select not pg_is_in_recovery()'));
}

describe('a backup of a primary under load', () => {
  let server: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;

  beforeAll(async () => {
    server = await checksummed();
    await server.start();
    settings = await inDirectory();
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
    await server.query('select pg_switch_wal()');
    await until('the archive', () => server.archiver.status().waiting === 0);

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
    expect(there).toEqual(['archive_status']);
    await recovered(restored, settings);
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
