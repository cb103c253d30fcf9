import { describe, expect, test } from 'vitest';
import { walgBackup } from '../../../../src/archive/catalog/backup-of.ts';
import {
  parseMetadata,
  parseSentinel,
  writeMetadata,
  writeSentinel,
} from '../../../../src/archive/catalog/sentinel.ts';

/** As WAL-G 3.0.7 wrote it. */
const WRITTEN =
  '{"LSN":50331688,"PgVersion":150018,"FinishLSN":50331904,"SystemIdentifier":7710553394147625644,"UncompressedSize":39108023,"CompressedSize":2527816,"DataCatalogSize":39222579,"Spec":null,"ChkpNum":null,"Version":2,"StartTime":"2026-11-21T09:25:10.789299Z","FinishTime":"2026-11-21T09:25:11.349497Z","DateFmt":"%Y-%m-%dT%H:%M:%S.%fZ","Hostname":"vm","DataDir":"/opt/fix/data","IsPermanent":false}';
const METADATA =
  '{"start_time":"2026-11-21T09:25:10.789299Z","finish_time":"2026-11-21T09:25:11.349497Z","date_fmt":"%Y-%m-%dT%H:%M:%S.%fZ","hostname":"vm","data_dir":"/opt/fix/data","pg_version":150018,"start_lsn":50331688,"finish_lsn":50331904,"is_permanent":false,"system_identifier":7710553394147625644,"uncompressed_size":39108023,"compressed_size":2527816}';
const PLACE = {
  id: 'base_000000010000000000000003',
  sentinelKey: 'basebackups_005/base_000000010000000000000003_backup_stop_sentinel.json',
  folder: 'basebackups_005/base_000000010000000000000003/',
  storedBytes: 5,
  writtenAt: new Date('2026-11-21T09:25:12Z'),
};

describe('a sentinel of WAL-G', () => {
  test('is read with all digits of its system identifier', () => {
    expect(parseSentinel(WRITTEN)).toMatchObject({
      LSN: '0/3000028',
      FinishLSN: '0/3000100',
      SystemIdentifier: '7710553394147625644',
      PgVersion: 150018,
      Timeline: null,
      DeltaFrom: null,
      IsPermanent: false,
      FinishTime: new Date('2026-11-21T09:25:11.349Z'),
    });
  });

  test('is written as it was read, less what pgwarden does not know', () => {
    const read = parseSentinel(WRITTEN);
    const text = writeSentinel({ ...read, Timeline: 1, UserData: { note: 'mine' } });
    expect(text).toContain('"SystemIdentifier":7710553394147625644,');
    expect(text).toContain('"LSN":50331688,"Timeline":1,"PgVersion":150018,"FinishLSN":50331904');
    expect(parseSentinel(text)).toEqual({ ...read, Timeline: 1, UserData: { note: 'mine' } });
  });

  test('tells tablespaces both ways', () => {
    const Spec = {
      basePrefix: '/data',
      tablespaces: [{ oid: '16400', location: '/mnt/fast', link: 'pg_tblspc/16400' }],
    };
    const text = writeSentinel({ ...parseSentinel(WRITTEN), Spec });
    expect(JSON.parse(text).Spec).toEqual({
      base_prefix: '/data',
      tablespaces: ['16400'],
      16400: { loc: '/mnt/fast', link: 'pg_tblspc/16400' },
    });
    expect(parseSentinel(text).Spec).toEqual(Spec);
  });

  test('needs no more than where the backup began', () => {
    expect(parseSentinel('{"LSN": 16777256}')).toMatchObject({
      LSN: '0/1000028',
      FinishLSN: null,
      Version: null,
    });
    expect(() => parseSentinel('{"FinishLSN": 16777256}')).toThrow(/LSN/);
    expect(() => parseSentinel('{"LSN": 1677')).toThrow(SyntaxError);
  });
});

test('metadata.json is read and written', () => {
  const read = parseMetadata(METADATA);
  expect(read).toMatchObject({ start_lsn: '0/3000028', system_identifier: '7710553394147625644' });
  expect(parseMetadata(writeMetadata(read))).toEqual(read);
});

describe('a backup by its sentinel', () => {
  const none = async () => null;

  test('has its timeline from its name where the sentinel is older than that field', async () => {
    expect(await walgBackup(PLACE, WRITTEN, none)).toMatchObject({
      timeline: 1,
      startLsn: '0/3000028',
      endLsn: '0/3000100',
      originalBytes: 39108023,
      parent: null,
    });
  });

  test('has its times from metadata.json where the sentinel is of version 1', async () => {
    const old = '{"LSN":50331688,"PgVersion":150018,"FinishLSN":50331904}';
    const backup = await walgBackup(PLACE, old, async () =>
      METADATA.replace('"is_permanent":false', '"is_permanent":true'),
    );
    expect(backup.finishedAt).toEqual(new Date('2026-11-21T09:25:11.349Z'));
    expect(backup.permanent).toBe(true);
    expect((await walgBackup(PLACE, old, none)).finishedAt).toEqual(PLACE.writtenAt);
  });

  test('is permanent by what "wal-g backup-mark" writes, which leaves the sentinel as it is', async () => {
    const marked = METADATA.replace('"is_permanent":false', '"is_permanent":true');
    expect((await walgBackup(PLACE, WRITTEN, async () => marked)).permanent).toBe(true);
    const unmarked = WRITTEN.replace('"IsPermanent":false', '"IsPermanent":true');
    expect((await walgBackup(PLACE, unmarked, async () => METADATA)).permanent).toBe(false);
    expect((await walgBackup(PLACE, unmarked, none)).permanent).toBe(true);
  });

  test('is refused where nobody can tell its end or its timeline', async () => {
    await expect(walgBackup(PLACE, '{"LSN":50331688}', none)).rejects.toThrow(/FinishLSN/);
    await expect(walgBackup({ ...PLACE, id: 'mine' }, WRITTEN, none)).rejects.toThrow(/timeline/);
  });
});
