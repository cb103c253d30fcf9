import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseEncodedName } from '../../../src/archive/codec/codec.ts';
import { type ArchiveSettings, openArchive } from '../../../src/archive/opened-archive.ts';
import { collect } from '../../../src/archive/store/content.ts';
import { DEFAULT_S3 } from '../../../src/archive/store/open.ts';
import { nextSegment, parseSegment, segmentName } from '../../../src/archive/wal/names.ts';
import type { WalArchive } from '../../../src/archive/wal/push-file.ts';
import { compareLsn, type Lsn } from '../../../src/ha/lsn.ts';
import { PLACEHOLDER } from '../../../src/postgres/volume/timeline-history.ts';
import { FaultProxy } from '../../s3/fault-proxy.ts';
import { BUCKET, obtainS3Server, type S3Server } from '../../s3/server.ts';
import { dropRoot } from '../postgres/drop-root.ts';
import { ArchivedPostgres, IDENTITY, SEGMENT } from './postgres.ts';

const OBTAIN_WITHIN = 12 * 60_000;
const signal = AbortSignal.timeout(30 * 60_000);

let s3: S3Server | null = null;
let noS3: string | null = null;

beforeAll(async () => {
  const obtained = await obtainS3Server(dropRoot);
  s3 = obtained.server;
  noS3 = obtained.reason;
}, OBTAIN_WITHIN);
afterAll(async () => await s3?.[Symbol.asyncDispose]());

let serial = 0;

/** Looks until something holds. */
async function until(what: string, holds: () => Promise<boolean> | boolean, within = 30_000): Promise<void> {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what} did not come`);
    await sleep(20);
  }
}

async function keysBelow(archive: WalArchive, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of archive.store.list(prefix, { signal })) keys.push(key);
  return keys;
}

/** The names of the files of WAL that an archive has. */
async function archivedFiles(archive: WalArchive): Promise<string[]> {
  return (await keysBelow(archive, 'wal_005/')).map((key) =>
    parseEncodedName(key).name.slice('wal_005/'.length),
  );
}

async function readyFiles(server: ArchivedPostgres): Promise<string[]> {
  const names = await readdir(join(server.wal, 'archive_status'));
  return names.filter((name) => name.endsWith('.ready'));
}

async function allArchived(server: ArchivedPostgres, within = 30_000): Promise<void> {
  await until('the end of the queue', async () => (await readyFiles(server)).length === 0, within);
}

/** The archive's original bytes of a file. */
async function original({ store, codec }: WalArchive, key: string): Promise<Buffer> {
  return await collect(codec.decode(store.name, key, (await store.get(key, { signal })).body));
}

function expectNoHole(files: readonly string[]): void {
  const segments = files.filter((file) => /^[0-9A-F]{24}$/.test(file));
  for (const [index, file] of segments.slice(0, -1).entries())
    expect(segments[index + 1]).toBe(segmentName(nextSegment(parseSegment(file, SEGMENT)!), SEGMENT));
}

describe.each(['a directory', 'a bucket'] as const)('with an archive in %s', (kind) => {
  let settings: ArchiveSettings;
  let archive: WalArchive;
  let server: ArchivedPostgres;
  const started: ArchivedPostgres[] = [];

  const make = async (copyOf?: ArchivedPostgres): Promise<ArchivedPostgres> => {
    const made = await ArchivedPostgres.make(copyOf);
    started.push(made);
    return made;
  };

  beforeEach(async (context) => {
    if (kind === 'a bucket' && noS3 !== null) context.skip(noS3);
    server = await make();
    const name = `cluster-${++serial}`;
    const directory = join(server.volume, name);
    await mkdir(directory);
    settings = {
      url: kind === 'a bucket' ? `s3://${BUCKET}/${name}` : `file://${directory}`,
      s3: s3?.settings() ?? DEFAULT_S3,
      compression: 'zstd',
      keyFile: null,
    };
    archive = await openArchive(settings);
    return async () => {
      archive.store.close();
      for (const one of started.splice(0)) await one[Symbol.asyncDispose]();
    };
  });

  test('archives what Postgres has ready, ahead of being asked, byte for byte', async () => {
    await server.start();
    await server.startArchiver(settings);
    await server.fill(30);
    await allArchived(server);
    const files = await archivedFiles(archive);
    expect(files.length).toBeGreaterThanOrEqual(30);
    expectNoHole(files);
    for (const file of files.slice(-3)) {
      const stored = await original(archive, `wal_005/${file}.zst`);
      expect(stored.equals(await readFile(join(server.wal, file)))).toBe(true);
    }
    const stat = await server.query(
      'select archived_count::int, failed_count::int, last_archived_wal from pg_stat_archiver',
    );
    expect(stat).toEqual([
      { archived_count: files.length, failed_count: 0, last_archived_wal: files.at(-1) },
    ]);
    expect(server.archiver.status()).toMatchObject({ creation: 'atomic', failing: null, waiting: 0 });
    await until('the end of the marks', async () => (await server.spool.listPushed()).size === 0);
  });

  test('brings back every row from a base backup and the archive, the live tail included', async () => {
    await server.start();
    await server.startArchiver(settings);
    await server.query('create table t (id int primary key)');
    const restored = await make(server);
    await server.query('insert into t select generate_series(1, 5000)');
    await server.fill(6);
    await server.query('insert into t select generate_series(5001, 6000)');
    await server.query('insert into t values (6001)');
    const last = await server.value<Lsn>('select pg_current_wal_flush_lsn()');
    await until('the tail', () => server.archiver.status().tail?.position === last);
    await server.stop('kill');
    await server.stopArchiver();
    await restored.recoverFrom();
    await restored.startFetcher(settings);
    await restored.start();
    await until('the end of recovery', async () => !(await restored.value('select pg_is_in_recovery()')));
    expect(await restored.value('select count(*)::int from t')).toBe(6001);
    expect(restored.events.some(({ event }) => event === 'tail')).toBe(true);
  });

  test('offers nothing that is not confirmed, as a segment or as tail', async () => {
    await server.start();
    server.confirmed = await server.value<Lsn>('select pg_current_wal_flush_lsn()');
    const bound = server.confirmed;
    await server.startArchiver(settings);
    await server.fill(3);
    await until(
      'a refused push',
      async () => (await server.value<number>('select failed_count::int from pg_stat_archiver')) > 0,
    );
    await until('the tail up to there', () => server.archiver.status().tail?.position === bound);
    expect(server.log).toMatch(/pgwarden: .* the quorum has confirmed no more than/);
    expect((await archivedFiles(archive)).filter((file) => file.length === 24)).toEqual([]);
    const ends = (await keysBelow(archive, 'pgwarden/tail/')).map((key) => key.slice(-20, -4));
    const [high = '', low = ''] = bound.split('/');
    expect(ends.every((end) => end <= high.padStart(8, '0') + low.padStart(8, '0'))).toBe(true);
    server.confirmed = null;
    await server.query('select pg_switch_wal()');
    await until('what was held back', async () => (await archivedFiles(archive)).length >= 3);
  });

  test('never overwrites other bytes, and says so until somebody looks', async () => {
    await server.start();
    const file = await server.value<string>('select pg_walfile_name(pg_current_wal_insert_lsn())');
    await server.startArchiver(settings);
    await until('the tail', () => server.archiver.status().tail !== null);
    const strange = randomBytes(1000);
    await archive.store.put(`wal_005/${file}.gz`, gzipSync(strange), { signal });
    await server.fill(2);
    await until('the refusal', () => server.archiver.status().failing?.code === 'ARCHIVE_OBJECT_CONFLICT');
    expect(await original(archive, `wal_005/${file}.gz`)).toEqual(strange);
    expect(await keysBelow(archive, `wal_005/${file}`)).toEqual([`wal_005/${file}.gz`]);
    await archive.store.deleteMany([`wal_005/${file}.gz`], { signal });
    await allArchived(server, 90_000);
    expectNoHole(await archivedFiles(archive));
  });

  test('loses a race for a name without overwriting, and says so', async (context) => {
    if (kind !== 'a bucket' || s3 === null) return context.skip('a directory has no proxy before it');
    await using proxy = await FaultProxy.start(s3.port);
    await server.start();
    await server.startArchiver({ ...settings, s3: s3.settings(proxy.endpoint) });
    await until('the tail', () => server.archiver.status().tail !== null);
    const file = await server.value<string>('select pg_walfile_name(pg_current_wal_insert_lsn())');
    const key = `wal_005/${file}.zst`;
    const strange = Buffer.from(await archive.codec.encodeBytes(`wal_005/${file}`, randomBytes(1000)));
    // Another primary's comes between the look and the write: the try of the same write that passes meets it.
    let isBegun = false;
    let isPlanted = false;
    proxy.fail((method, path) => {
      if (method !== 'PUT' || !path.includes(file) || isPlanted) return null;
      if (!isBegun)
        void archive.store.put(key, strange, { signal }).then(() => {
          isPlanted = true;
        });
      isBegun = true;
      return { kind: 'answer', status: 503, code: 'SlowDown' };
    });
    await server.fill(1);
    await until('the refusal', () => server.archiver.status().failing?.code === 'ARCHIVE_OBJECT_CONFLICT');
    const { body } = await archive.store.get(key, { signal });
    expect((await collect(body)).equals(strange)).toBe(true);
    await server.stopArchiver();
  });

  test('takes as archived what another program stored with the same bytes', async () => {
    await server.start();
    server.forbidden = 'not yet';
    await server.fill(1);
    const [ready = ''] = (await readyFiles(server)).map((name) => name.slice(0, -6));
    const bytes = await readFile(join(server.wal, ready));
    await archive.store.put(
      'pgwarden/identity.json',
      Buffer.from(JSON.stringify({ format: 1, ...IDENTITY })),
      { signal },
    );
    await archive.store.put(`wal_005/${ready}`, bytes, { signal });
    server.forbidden = null;
    await server.startArchiver(settings);
    await allArchived(server, 90_000);
    expect(await keysBelow(archive, `wal_005/${ready}`)).toEqual([`wal_005/${ready}`]);
  });

  test('writes nothing into the archive of another cluster', async () => {
    const other = Buffer.from(JSON.stringify({ format: 1, ...IDENTITY, generation: 2 }));
    await archive.store.put('pgwarden/identity.json', other, { signal });
    await server.start();
    await server.startArchiver(settings);
    await server.fill(1);
    await until('the refusal', () => server.archiver.status().failing?.code === 'ARCHIVE_FOREIGN');
    expect(await keysBelow(archive, '')).toEqual(['pgwarden/identity.json']);
    expect(await readyFiles(server)).not.toEqual([]);
  });

  test('goes on after an agent that died, without a hole and without writing twice', async () => {
    await server.start();
    await server.startArchiver(settings);
    for (let round = 0; round < 4; round++) {
      await server.fill(4);
      await server.stopArchiver();
      await server.fill(1);
      await server.startArchiver(settings);
    }
    await allArchived(server, 90_000);
    const files = await archivedFiles(archive);
    expectNoHole(files);
    expect(files.length).toBeGreaterThanOrEqual(20);
  });

  test('fills in after a promotion what the old primary did not come to', async () => {
    await server.start();
    await server.startArchiver(settings);
    await server.query('create table t (id int)');
    const backup = await make(server);
    const standby = await make(server);
    // Postgres takes what it streams for archived: only the backfill knows better.
    await standby.configure([
      `primary_conninfo = 'host=127.0.0.1 port=${server.port} user=postgres'`,
      'archive_mode = on',
    ]);
    await writeFile(join(standby.data, 'standby.signal'), '');
    await standby.start();
    // From here on the old primary archives nothing: its store is away, for all that it knows.
    server.forbidden = 'the store is away';
    await server.query('insert into t select generate_series(1, 1000)');
    await server.fill(5);
    await server.query('insert into t values (1001)');
    const lsn = await server.value('select pg_current_wal_flush_lsn()');
    await until('the standby', () => standby.value(`select pg_last_wal_replay_lsn() >= '${lsn}'`));
    const segments = (files: string[]) =>
      files.filter((file) => file.startsWith('00000001') && file.length === 24);
    const before = segments(await archivedFiles(archive));
    await server.stop('kill');
    await server.stopArchiver();
    await standby.query('select pg_promote()');
    await standby.startArchiver(settings);
    await standby.query('insert into t values (1002)');
    await until('the backfill', () => standby.events.some(({ event }) => event === 'archive.backfill'));
    await allArchived(standby, 90_000);
    const after = await archivedFiles(archive);
    expect(segments(after).length).toBeGreaterThan(before.length + 3);
    expect(after).toContain('00000002.history');
    expectNoHole(after.filter((file) => file.startsWith('00000001')));
    const last = await standby.value<Lsn>('select pg_current_wal_flush_lsn()');
    await until('the tail', () => standby.archiver.status().tail?.position === last);
    await standby.stop('kill');
    await standby.stopArchiver();
    await backup.recoverFrom();
    await backup.startFetcher(settings);
    await backup.start();
    await until('the end of recovery', async () => !(await backup.value('select pg_is_in_recovery()')));
    expect(await backup.value('select count(*)::int from t')).toBe(1002);
  });

  test('leads a restore past a number that a promotion skipped', async () => {
    await server.start();
    await server.startArchiver(settings);
    await server.query('create table t (id int)');
    const backup = await make(server);
    const late = await make(server);
    const standby = await make(server);
    await standby.configure([`primary_conninfo = 'host=127.0.0.1 port=${server.port} user=postgres'`]);
    await writeFile(join(standby.data, 'standby.signal'), '');
    await standby.start();
    await server.query('insert into t values (1)');
    const lsn = await server.value('select pg_current_wal_flush_lsn()');
    await until('the standby', () => standby.value(`select pg_last_wal_replay_lsn() >= '${lsn}'`));
    await allArchived(server, 90_000);
    await server.stop('kill');
    await server.stopArchiver();
    // Reserved for a promotion that came to nothing.
    await writeFile(join(standby.wal, '00000002.history'), PLACEHOLDER);
    await standby.query('select pg_promote()');
    await standby.query('insert into t values (2)');
    expect(await standby.value("select pg_walfile_name(pg_current_wal_lsn()) like '00000003%'")).toBe(true);
    await standby.startArchiver(settings);
    await standby.fill(2);
    await until('a history under each number', async () => {
      const files = await archivedFiles(archive);
      return files.includes('00000003.history') && files.includes('00000002.history');
    });
    const last = await standby.value<Lsn>('select pg_current_wal_flush_lsn()');
    // The checkpoint of the promotion may write more.
    await until('the tail', () => {
      const { tail } = standby.archiver.status();
      return tail !== null && compareLsn(tail.position, last) >= 0;
    });
    await standby.stop('kill');
    await standby.stopArchiver();
    const rows = async (one: ArchivedPostgres) => {
      await one.recoverFrom(["recovery_target_timeline = 'latest'"]);
      await one.startFetcher(settings);
      await one.start();
      await until('the end of recovery', async () => !(await one.value('select pg_is_in_recovery()')));
      return await one.value('select count(*)::int from t');
    };
    expect(await rows(backup)).toBe(2);
    // Nor does it end there in an archive of before, that has none.
    await archive.store.deleteMany(['wal_005/00000002.history.zst'], { signal });
    expect(await rows(late)).toBe(2);
  });

  test('lets a standby keep what the primary has not come to archive', async () => {
    await server.start();
    await server.startArchiver(settings);
    await server.query('create table t (id int)');
    const standby = await make(server);
    await standby.configure([
      `primary_conninfo = 'host=127.0.0.1 port=${server.port} user=postgres'`,
      'wal_keep_size = 0',
      'min_wal_size = 2MB',
    ]);
    await writeFile(join(standby.data, 'standby.signal'), '');
    await standby.start();
    await standby.startArchiver(settings);
    const caughtUp = async () => {
      const lsn = await server.value('select pg_current_wal_flush_lsn()');
      await until('the standby', () => standby.value(`select pg_last_wal_replay_lsn() >= '${lsn}'`));
      await server.query('checkpoint');
      const checkpoint = await server.value('select redo_lsn from pg_control_checkpoint()');
      await until('its replay', () => standby.value(`select pg_last_wal_replay_lsn() >= '${checkpoint}'`));
      await standby.query('checkpoint');
    };
    await server.fill(2);
    await caughtUp();
    server.forbidden = 'the store is away';
    await server.fill(1);
    const held = await server.value<string>('select pg_walfile_name(pg_current_wal_insert_lsn())');
    await server.fill(8);
    await caughtUp();
    expect(await readdir(standby.wal)).toContain(held);
    expect(await archivedFiles(archive)).not.toContain(held);
    server.forbidden = null;
    await until('the archive', async () => (await archivedFiles(archive)).includes(held), 90_000);
    // Postgres tries again every minute at most.
    await allArchived(standby, 90_000);
    await server.fill(3);
    await caughtUp();
    expect(await readdir(standby.wal)).not.toContain(held);
  });

  test('does all that with encryption on, and tells strangers nothing', async () => {
    const keyFile = join(server.volume, 'keys');
    await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`);
    const sealed = { ...settings, keyFile };
    await server.start();
    await server.startArchiver(sealed);
    await server.query("create table t as select 'TOPSECRET'::text as word from generate_series(1, 100)");
    const restored = await make(server);
    await server.query("insert into t select 'TOPSECRET' from generate_series(1, 100)");
    await server.fill(2);
    await server.query("insert into t values ('TOPSECRET')");
    const last = await server.value<Lsn>('select pg_current_wal_flush_lsn()');
    await until('the tail', () => server.archiver.status().tail?.position === last);
    await server.stop('kill');
    await server.stopArchiver();
    const keys = (await keysBelow(archive, '')).filter((key) => key !== 'pgwarden/identity.json');
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) {
      expect(key).toMatch(/\.zst\.aes$/);
      await expect(original(archive, key)).rejects.toMatchObject({ code: 'ARCHIVE_KEY' });
    }
    await restored.recoverFrom();
    await restored.startFetcher(sealed);
    await restored.start();
    await until('the end of recovery', async () => !(await restored.value('select pg_is_in_recovery()')));
    expect(await restored.value('select count(*)::int from t')).toBe(201);
  });
});

describe('a store that fails', () => {
  let proxy: FaultProxy;
  let server: ArchivedPostgres;
  let settings: ArchiveSettings;
  let archive: WalArchive;

  beforeEach(async (context) => {
    if (s3 === null) {
      context.skip(noS3 ?? 'there is no S3 server');
      return;
    }
    proxy = await FaultProxy.start(s3.port);
    server = await ArchivedPostgres.make();
    settings = {
      url: `s3://${BUCKET}/faulty-${++serial}`,
      s3: s3.settings(proxy.endpoint),
      compression: 'zstd',
      keyFile: null,
    };
    archive = await openArchive({ ...settings, s3: s3.settings() });
    await server.start();
    return async () => {
      proxy.fail(null);
      await server[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
      archive.store.close();
    };
  });

  test.each([
    [403, 'AccessDenied', 'ARCHIVE_CREDENTIALS'],
    [500, 'InternalError', 'ARCHIVE_UNREACHABLE'],
    [503, 'SlowDown', 'ARCHIVE_UNREACHABLE'],
    [507, 'XMinioStorageFull', 'ARCHIVE_FULL'],
  ])('with %d %s keeps WAL, says why, and catches up', async (status, code, expected) => {
    await server.startArchiver(settings);
    await server.fill(2);
    await allArchived(server);
    proxy.fail((method) => (method === 'PUT' ? { kind: 'answer', status, code } : null));
    await server.fill(5);
    await until('the failure', () => server.archiver.status().failing?.code === expected);
    await until(
      'the word of Postgres',
      async () => (await server.value<number>('select failed_count::int from pg_stat_archiver')) > 0,
    );
    expect(await server.value('select last_failed_wal from pg_stat_archiver')).toMatch(/^[0-9A-F]{24}$/);
    expect((await readyFiles(server)).length).toBeGreaterThan(0);
    proxy.fail(null);
    await until('the archive', async () => (await archivedFiles(archive)).length >= 7);
    await until('no failure', () => server.archiver.status().failing === null);
    await allArchived(server);
    expectNoHole(await archivedFiles(archive));
    expect(server.events.filter(({ event }) => event === 'archive.failed').length).toBeLessThan(4);
  });

  test('killed and started again is found again', async () => {
    await server.startArchiver(settings);
    await server.fill(2);
    await allArchived(server);
    await s3!.kill();
    try {
      await server.fill(4);
      await until('the failure', () => server.archiver.status().failing?.code === 'ARCHIVE_UNREACHABLE');
    } finally {
      await s3!.resume();
    }
    await until('the archive', async () => (await archivedFiles(archive)).length >= 6);
    await allArchived(server);
    expectNoHole(await archivedFiles(archive));
  });

  test('with other credentials, without the bucket, or with another time says which', async () => {
    const codeOf = async (change: Partial<ArchiveSettings>) => {
      const { store } = await openArchive({ ...settings, ...change });
      return await store.check({ signal }).then(
        () => 'well',
        (error: { code: string }) => error.code,
      );
    };
    const wrong = join(server.volume, 'wrong');
    await writeFile(wrong, 'wrong\n');
    const { credentials } = settings.s3;
    expect(await codeOf({})).toBe('well');
    expect(
      await codeOf({ s3: { ...settings.s3, credentials: { ...credentials!, secretAccessKeyFile: wrong } } }),
    ).toBe('ARCHIVE_CREDENTIALS');
    expect(
      await codeOf({ s3: { ...settings.s3, credentials: { ...credentials!, accessKeyIdFile: wrong } } }),
    ).toBe('ARCHIVE_CREDENTIALS');
    expect(await codeOf({ url: 's3://no-such-bucket/x' })).toBe('ARCHIVE_MISSING');
    expect(await codeOf({ url: `file://${server.volume}/none` })).toBe('ARCHIVE_MISSING');
    expect(await codeOf({ s3: { ...settings.s3, endpoint: 'http://127.0.0.1:1' } })).toBe(
      'ARCHIVE_UNREACHABLE',
    );
    proxy.fail({ kind: 'clock', ahead: 20 * 60_000 });
    expect(await codeOf({})).toBe('ARCHIVE_CLOCK_SKEW');
  });

  test('cut off in mid-answer never ends a recovery early', async () => {
    await server.startArchiver(settings);
    await server.query('create table t (id int)');
    const restored = await ArchivedPostgres.make(server);
    try {
      await server.query('insert into t select generate_series(1, 1000)');
      await server.fill(5);
      await server.query('insert into t values (1001)');
      const last = await server.value<Lsn>('select pg_current_wal_flush_lsn()');
      await until('the tail', () => server.archiver.status().tail?.position === last);
      await server.stop('kill');
      await server.stopArchiver();
      proxy.fail((method, path) =>
        method === 'GET' && path.includes('GetObject') ? { kind: 'truncate', bytes: 300 } : null,
      );
      await restored.recoverFrom();
      await restored.startFetcher(settings);
      const ready = restored.start();
      await until('the wait', () => restored.events.filter(({ event }) => event === 'waiting').length > 2);
      proxy.fail({ kind: 'answer', status: 503, code: 'SlowDown' });
      const seen = restored.events.length;
      await until('more of it', () => restored.events.length > seen, 60_000);
      proxy.fail(null);
      await ready;
      await until('the end of recovery', async () => !(await restored.value('select pg_is_in_recovery()')));
      expect(await restored.value('select count(*)::int from t')).toBe(1001);
    } finally {
      await restored[Symbol.asyncDispose]();
    }
  });

  test('whose agent is away ends Postgres in a recovery, not the recovery', async () => {
    await server.startArchiver(settings);
    await server.fill(1);
    const restored = await ArchivedPostgres.make(server);
    try {
      await restored.recoverFrom();
      const script = join(restored.volume, 'ask-agent.pl');
      await writeFile(
        script,
        (await readFile(script, 'utf8')).replace('AGENT_AWAY => 60', 'AGENT_AWAY => 1'),
      );
      await restored.start(false);
      await restored.exited();
      expect(restored.log).toContain('pgwarden: the agent does not answer');
      expect(restored.log).not.toContain('archive recovery complete');
    } finally {
      await restored[Symbol.asyncDispose]();
    }
  });

  test('and an agent that ends while an upload hangs leave nothing half-done', async () => {
    await server.startArchiver(settings);
    await server.fill(1);
    await allArchived(server);
    proxy.fail((method, path) => (method === 'PUT' && path.includes('wal_005') ? { kind: 'hang' } : null));
    await server.fill(3);
    await until('a hanging upload', () => proxy.hanging > 0);
    const before = await archivedFiles(archive);
    await server.stopArchiver();
    expect(await archivedFiles(archive)).toEqual(before);
    proxy.fail(null);
    await server.startArchiver(settings);
    await allArchived(server, 90_000);
    expectNoHole(await archivedFiles(archive));
  });
});
