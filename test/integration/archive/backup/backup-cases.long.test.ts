import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProgressKeeper } from '../../../../src/archive/backup/progress.ts';
import { runBackup } from '../../../../src/archive/backup/run-backup.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import type { WalArchive } from '../../../../src/archive/wal/push-file.ts';
import { FaultProxy } from '../../../s3/fault-proxy.ts';
import type { ArchivedPostgres } from '../postgres.ts';
import { restoreByHand, sentinelOf } from './restored.ts';
import { archived, keys, names, recover, Stage, signal, until } from './stage.ts';
import { checksummed, optionsOf, primaryOf, standbyOf, take } from './take.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
}, 12 * 60_000);
afterAll(async () => await stage?.[Symbol.asyncDispose]());

/** A primary that archives, with a table `kept` of some megabytes. */
async function primaryWith(settings: ArchiveSettings): Promise<ArchivedPostgres> {
  const server = await checksummed();
  await server.start();
  await server.startArchiver(settings);
  await server.query(
    'create table kept as select i, repeat(md5(i::text), 20) as filler from generate_series(1, 15000) i',
  );
  return server;
}

const countKept = (server: ArchivedPostgres) => server.value<number>('select count(*)::int from kept');

describe('a backup', () => {
  test('in a bucket, encrypted, with a tablespace, is restored elsewhere', async (context) => {
    if (stage.s3 === null) return context.skip(stage.noS3 ?? '');
    const settings = stage.inBucket(stage.s3, undefined, { keyFile: await stage.keyFile() });
    await using server = await primaryWith(settings);
    const archive = await openArchive(settings);
    const location = join(stage.directory, 'space');
    await mkdir(location);
    await server.query(`create tablespace space location '${location}'`);
    await server.query('create table elsewhere tablespace space as select * from kept; checkpoint');
    const { name } = await take(server, archive);
    await archived(server);
    const stored = await keys(archive, `basebackups_005/${name}/tar_partitions/`);
    expect(stored.every((key) => key.endsWith('.tar.zst.aes'))).toBe(true);
    const { Spec } = await sentinelOf(archive, name);
    const [oid] = (await readdir(join(server.data, 'pg_tblspc'))) as [string];
    expect(Spec).toEqual({
      basePrefix: server.data,
      tablespaces: [{ oid, location, link: `pg_tblspc/${oid}` }],
    });
    const moved = join(stage.directory, 'space-moved');
    await using restored = await restoreByHand(archive, name, { tablespaces: { [oid]: moved } });
    await recover(restored, settings);
    expect(await restored.value('select count(*)::int from elsewhere')).toBe(15_000);
    expect(await restored.value(`select pg_tablespace_location(${oid})`)).toBe(moved);
  });

  test('goes on when the store fails for a while, and the part is made again', async (context) => {
    if (stage.s3 === null) return context.skip(stage.noS3 ?? '');
    await using proxy = await FaultProxy.start(stage.s3.port);
    const direct = stage.inBucket(stage.s3);
    const settings: ArchiveSettings = { ...direct, s3: stage.s3.settings(proxy.endpoint) };
    await using server = await primaryWith(direct);
    const archive = await openArchive(settings);
    let refused = 0;
    proxy.fail((method, path) => {
      // More often than the SDK tries by itself.
      if (method !== 'PUT' || !path.includes('part_001') || refused >= 8) return null;
      refused += 1;
      return { kind: 'answer', status: 503, code: 'SlowDown' };
    });
    const { name } = await take(server, archive, { parallel: 1 });
    expect(refused).toBeGreaterThan(3);
    await archived(server);
    await using restored = await restoreByHand(archive, name);
    await recover(restored, direct);
    expect(await countKept(restored)).toBe(15_000);
  });
});

describe('a backup of a standby', () => {
  let primary: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;

  beforeAll(async () => {
    settings = await stage.inDirectory();
    primary = await primaryWith(settings);
    archive = await openArchive(settings);
  });
  afterAll(async () => await primary?.[Symbol.asyncDispose]());

  test('is taken twice of an idle cluster, under two names, and restored', async () => {
    await using standby = await standbyOf(primary);
    const change = { primary: primaryOf(primary), member: 'pg-1' };
    const first = await take(standby, archive, change);
    const second = await take(standby, archive, change);
    expect(await names(archive)).toEqual([first.name, second.name]);
    await primary.query('insert into kept values (0, $$after$$)');
    await archived(primary);
    await using restored = await restoreByHand(archive, second.name);
    await recover(restored, settings);
    expect(await countKept(restored)).toBe(15_001);
  });

  test('waits at its end until the archive has its WAL', async () => {
    await using standby = await standbyOf(primary);
    const progress = new ProgressKeeper(() => undefined);
    primary.forbidden = 'nothing is archived for a while';
    await primary.look();
    const running = runBackup(optionsOf(standby, archive, { primary: primaryOf(primary), progress }), signal);
    running.catch(() => undefined);
    await until('the wait', () => progress.now.phase === 'wait-for-wal');
    const name = progress.now.name ?? '';
    expect(await names(archive)).not.toContain(name);
    primary.forbidden = null;
    await running;
    expect(await names(archive)).toContain(name);
  });

  test('fails when its WAL does not come, and leaves nothing', async () => {
    await using standby = await standbyOf(primary);
    const before = await keys(archive);
    primary.forbidden = 'nothing is archived';
    await primary.look();
    const taken = take(standby, archive, { primary: primaryOf(primary), walWithin: 2_000 });
    await expect(taken).rejects.toMatchObject({ code: 'BACKUP_WAL_MISSING' });
    primary.forbidden = null;
    expect(await keys(archive)).toEqual(before);
  });

  test('fails cleanly when that standby is promoted meanwhile', async () => {
    await using standby = await standbyOf(primary);
    const before = await keys(archive);
    const progress = new ProgressKeeper(() => undefined);
    const running = runBackup(
      optionsOf(standby, archive, { primary: primaryOf(primary), progress, rate: 4 * 1024 ** 2 }),
      signal,
    );
    running.catch(() => undefined);
    await until('the copy', () => progress.now.readBytes > 1024 ** 2);
    await standby.query('select pg_promote()');
    await expect(running).rejects.toMatchObject({ code: 'BACKUP_PROMOTED' });
    expect(await keys(archive)).toEqual(before);
  });

  test.each([
    ['consistent on the new timeline', [2, 1]],
    ['consistent on the old one', [1]],
  ])('goes on when another one takes over in the middle of a segment, %s', async (when, timelines) => {
    const own = await stage.inDirectory();
    await using old = await primaryWith(own);
    const store = await openArchive(own);
    await using next = await standbyOf(old);
    await using standby = await standbyOf(old);
    const progress = new ProgressKeeper(() => undefined);
    let leads = old;
    const running = runBackup(
      optionsOf(standby, store, {
        primary: { switchWal: (wish, asking) => primaryOf(leads).switchWal(wish, asking) },
        progress,
        rate: 4 * 1024 ** 2,
      }),
      signal,
    );
    running.catch(() => undefined);
    await until('the copy', () => progress.now.readBytes > 1024 ** 2);
    await old.query('insert into kept values (-1, $$before$$)');
    await until(
      'replay',
      async () => (await countKept(next)) === 15_001 && (await countKept(standby)) === 15_001,
    );
    await until(
      'replay',
      async () => (await next.value('select pg_last_wal_replay_lsn() = pg_last_wal_receive_lsn()')) === true,
    );
    await old.stop('kill');
    await old.stopArchiver();
    await next.query('select pg_promote()');
    await next.startArchiver(own);
    leads = next;
    await standby.query(
      `alter system set primary_conninfo = 'host=127.0.0.1 port=${next.port} user=postgres'`,
    );
    await standby.query('select pg_reload_conf()');
    await next.query('insert into kept values (-2, $$after$$)');
    await until('replay', async () => (await countKept(standby)) === 15_002);
    // A restartpoint there: only then is the backup consistent no earlier than on the new timeline.
    await until('the checkpoint', async () => {
      if (when === 'consistent on the old one') return true;
      await next.query('checkpoint');
      await standby.query('checkpoint');
      return (await standby.value('select min_recovery_end_timeline from pg_control_recovery()')) === 2;
    });
    const { name } = await running;
    await archived(next);
    await using restored = await restoreByHand(store, name);
    const manifest = await readFile(join(restored.data, 'backup_manifest'), 'utf8');
    const { 'WAL-Ranges': ranges } = JSON.parse(manifest) as { 'WAL-Ranges': { Timeline: number }[] };
    expect(ranges.map(({ Timeline }) => Timeline)).toEqual(timelines);
    await recover(restored, own);
    expect(await countKept(restored)).toBe(15_002);
  });
});
