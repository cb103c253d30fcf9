import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backup } from '../../../../src/archive/catalog/backup.ts';
import { detectLayout, WALG } from '../../../../src/archive/catalog/layout.ts';
import { listBackups } from '../../../../src/archive/catalog/list-backups.ts';
import { recoverableTo } from '../../../../src/archive/catalog/recoverable.ts';
import { presentTimeline } from '../../../../src/archive/catalog/timelines.ts';
import { takeWalInventory } from '../../../../src/archive/catalog/wal-inventory.ts';
import { openStore } from '../../../../src/archive/store/open.ts';
import { timelineId } from '../../../../src/ha/units.ts';
import { Bucket } from '../../restore/buckets.ts';
import { codec, MadeArchive, SEGMENT } from './made-archive.ts';
import { KINDS, OBTAIN_WITHIN, Stores } from './stores.ts';

const signal = AbortSignal.timeout(15 * 60_000);
/** More than ten pages of S3. */
const MANY = 10_000;

let stores: Stores;
beforeAll(async () => {
  stores = await Stores.open();
}, OBTAIN_WITHIN);
afterAll(() => stores[Symbol.asyncDispose]());

describe('an archive made by another program', () => {
  const seen = async (name: 'wal-g' | 'barman-cloud') => {
    await using bucket = await Bucket.unpack(name);
    const store = await openStore(bucket.url);
    const source = { store, codec, layout: await detectLayout(store, { signal }) };
    const { backups, unreadable, unfinished } = await listBackups(source, signal);
    const inventory = await takeWalInventory(source, SEGMENT, signal);
    const way = recoverableTo(inventory, backups[0] as Backup, timelineId(1));
    return { layout: source.layout.kind, backups, unreadable, unfinished, inventory, way };
  };

  test('WAL-G: its backup, and up to where it can be restored', async () => {
    const { layout, backups, unreadable, unfinished, inventory, way } = await seen('wal-g');
    expect([layout, unreadable, unfinished, inventory.unknown]).toEqual(['wal-g', [], [], []]);
    expect(backups).toMatchObject([
      {
        id: 'base_000000010000000000000003',
        startLsn: '0/3000028',
        endLsn: '0/3000100',
        systemIdentifier: '7710553394147625644',
        postgresVersion: 150_018,
        storedBytes: 2_697_534,
      },
    ]);
    expect(inventory.timelines.get(timelineId(1))).toMatchObject({
      segments: { runs: [{ first: 1, last: 6 }] },
      labels: ['000000010000000000000003.00000028.backup'],
    });
    expect(way).toMatchObject({ from: '0/3000100', until: '0/7000000', wal: { isHole: false } });
  });

  test('barman-cloud: the same, with the server found below the prefix', async () => {
    const { layout, backups, unreadable, inventory, way } = await seen('barman-cloud');
    expect([layout, unreadable, inventory.unknown]).toEqual(['barman-cloud', [], []]);
    expect(backups).toMatchObject([
      {
        id: '20261121T092534',
        startLsn: '0/3052470',
        endLsn: '0/3052548',
        finishedAt: new Date('2026-11-21T09:28:34.672Z'),
        systemIdentifier: '7710553495983215497',
      },
    ]);
    expect(way).toMatchObject({ from: '0/3052548', until: '0/6000000', wal: { isHole: false } });
  });
});

describe.each(KINDS)('%s', (kind) => {
  test(`with ${MANY} segments is listed in seconds`, async (context) => {
    const store = await stores.fresh(kind);
    if (store === null) return context.skip(stores.noS3 ?? 'no S3 server');
    const archive = new MadeArchive(store, signal);
    await archive.segments(1, 1, MANY / 2);
    await archive.history(2, [[1, MANY / 2 + 1]]);
    await archive.segments(2, MANY / 2 + 1, MANY);
    await archive.backup(1, 3.5, 4.5, new Date());
    const source = { store, codec, layout: WALG };
    const began = performance.now();
    const { backups } = await listBackups(source, signal);
    const inventory = await takeWalInventory(source, SEGMENT, signal);
    const way = recoverableTo(inventory, backups[0] as Backup, presentTimeline(inventory) ?? timelineId(1));
    const took = performance.now() - began;
    process.stdout.write(`${MANY} segments in ${kind}: listed in ${Math.round(took)} ms\n`);
    expect(inventory.objects).toBe(MANY + 1);
    expect(way).toMatchObject({ timeline: 2, until: '27/11000000' });
    expect(took).toBeLessThan(10_000);
  });

  test('tells a backup in the making, one that cannot be read, and a damaged history', async (context) => {
    const store = await stores.fresh(kind);
    if (store === null) return context.skip(stores.noS3 ?? 'no S3 server');
    const archive = new MadeArchive(store, signal);
    await archive.segments(1, 1, 5);
    const whole = await archive.backup(1, 2.5, 3.5, new Date());
    const put = (key: string, text: string) => store.put(key, Buffer.from(text), { signal });
    await put('basebackups_005/base_000000010000000000000004/tar_partitions/part_001.tar.zst', 'abc');
    await put('basebackups_005/base_000000010000000000000005_backup_stop_sentinel.json', '{"LSN": "x"}');
    await put('wal_005/00000002.history.zst', 'no zstd');
    await put('wal_005/000000010000000000000009.lz4', 'of another codec');
    const source = { store, codec, layout: WALG };
    const catalog = await listBackups(source, signal);
    expect(catalog.backups.map(({ id }) => id)).toEqual([whole]);
    expect(catalog.unfinished).toMatchObject([
      { id: 'base_000000010000000000000004', objects: 1, storedBytes: 3 },
    ]);
    expect(catalog.unreadable).toMatchObject([{ id: 'base_000000010000000000000005' }]);
    expect(catalog.unreadable[0]?.why).toMatch(/LSN/);
    const inventory = await takeWalInventory(source, SEGMENT, signal);
    expect(inventory.damaged).toMatchObject([{ timeline: 2 }]);
    expect(inventory.unknown).toEqual(['wal_005/000000010000000000000009.lz4']);
  });
});
