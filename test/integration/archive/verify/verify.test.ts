import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { detectLayout } from '../../../../src/archive/catalog/layout.ts';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../../src/archive/store/open.ts';
import { type VerifyDepth, type VerifyReport, verify } from '../../../../src/archive/verify/verify.ts';
import { dropRoot } from '../../postgres/drop-root.ts';
import { Bucket } from '../../restore/buckets.ts';
import { checksummed, take } from '../backup/take.ts';
import { IDENTITY, SEGMENT } from '../postgres.ts';

const signal = AbortSignal.timeout(10 * 60_000);
const DEEP: VerifyDepth = { backups: true, wal: true, only: null, parallel: 2 };
const MB = 1024 ** 2;

async function verified(
  settings: ArchiveSettings,
  segmentBytes: number,
  depth: VerifyDepth = DEEP,
): Promise<VerifyReport> {
  const { store, codec } = await openArchive(settings);
  const layout = await detectLayout(store, { signal });
  return await verify({ store, codec, layout }, segmentBytes, depth, () => undefined, signal);
}

const settingsOf = (url: string): ArchiveSettings => ({
  url,
  s3: DEFAULT_S3,
  compression: 'zstd',
  keyFile: null,
});
const told = ({ findings }: VerifyReport) => findings.map(({ code, subject }) => `${code} ${subject}`);

/** Turns a byte over. */
async function damage(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([byte.readUInt8(0) ^ 0xff]), 0, 1, at);
  } finally {
    await file.close();
  }
}

describe('an archive made by another program', () => {
  test.each(['wal-g', 'barman-cloud'] as const)('%s: is found whole', async (name) => {
    await using bucket = await Bucket.unpack(name);
    const report = await verified(settingsOf(bucket.url), 16 * MB);
    expect(told(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true, timeline: 1 });
    expect(report.backups).toMatchObject([{ manifest: 'none', findings: [] }]);
    expect(report.backups[0]?.files).toBeGreaterThan(900);
    expect(report.segmentsRead).toBeGreaterThan(2);
  });

  test('a byte that was turned over in a part, a segment that is gone, and one that is damaged are told', async () => {
    await using bucket = await Bucket.unpack('wal-g');
    const part = 'basebackups_005/base_000000010000000000000003/tar_partitions/part_001.tar.zst';
    await damage(bucket.path(part), 1_000_000);
    await rm(bucket.path('wal_005/000000010000000000000005.zst'));
    await damage(bucket.path('wal_005/000000010000000000000006.zst'), 2_000);
    const report = await verified(settingsOf(bucket.url), 16 * MB);
    expect(report.ok).toBe(false);
    expect(told(report).sort()).toEqual([
      `PART_DAMAGED ${part}`,
      'WAL_DAMAGED wal_005/000000010000000000000006.zst',
      'WAL_HOLE 000000010000000000000005',
    ]);
    const quick = await verified(settingsOf(bucket.url), 16 * MB, { ...DEEP, backups: false, wal: false });
    expect(told(quick)).toEqual(['WAL_HOLE 000000010000000000000005']);
    expect(quick.readBytes).toBe(0);
  });

  test('a segment under the name of another is told', async () => {
    await using bucket = await Bucket.unpack('wal-g');
    const bytes = await readFile(bucket.path('wal_005/000000010000000000000004.zst'));
    await writeFile(bucket.path('wal_005/000000010000000000000005.zst'), bytes);
    expect(told(await verified(settingsOf(bucket.url), 16 * MB))).toEqual([
      'WAL_DAMAGED wal_005/000000010000000000000005.zst',
    ]);
  });

  test('a part that is gone is missed by the list that WAL-G keeps, and WAL of a backup by the backup', async () => {
    await using bucket = await Bucket.unpack('wal-g');
    const id = 'base_000000010000000000000003';
    await rm(bucket.path(`basebackups_005/${id}/tar_partitions/part_001.tar.zst`));
    await rm(bucket.path('wal_005/000000010000000000000003.zst'));
    const report = await verified(settingsOf(bucket.url), 16 * MB);
    expect(told(report)).toContain(`PART_MISSING ${id}`);
    expect(told(report)).toContain(`BACKUP_WAL_MISSING ${id}`);
  });
});

describe('a backup of pgwarden', () => {
  let directory = '';
  let name = '';
  let parts = '';
  let settings: ArchiveSettings;

  beforeAll(async () => {
    dropRoot();
    directory = await mkdtemp(join(tmpdir(), 'pgwarden-verify-'));
    await mkdir(join(directory, 'store'));
    settings = settingsOf(`file://${join(directory, 'store')}`);
    await using server = await checksummed();
    await server.start();
    await server.startArchiver(settings);
    await server.query('create table kept as select i, md5(i::text) from generate_series(1, 10000) i');
    const archive = await openArchive(settings);
    name = (await take(server, archive)).name;
    // The archiver of this test does not know its cluster.
    const systemIdentifier = await server.value<string>(
      'select system_identifier::text from pg_control_system()',
    );
    const identity = { format: 1, ...IDENTITY, systemIdentifier };
    await archive.store.put('pgwarden/identity.json', Buffer.from(JSON.stringify(identity)), { signal });
    parts = join(directory, 'store', 'basebackups_005', name, 'tar_partitions');
    archive.store.close();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('is found whole, each of its files by the manifest', async () => {
    const report = await verified(settings, SEGMENT);
    expect(told(report)).toEqual([]);
    expect(report.backups).toMatchObject([{ id: name, manifest: 'checked' }]);
    expect(report.backups[0]?.files).toBeGreaterThan(900);
  });

  test('whose part was exchanged for a whole one of other bytes is not', async () => {
    const { codec, store } = await openArchive(settings);
    const path = join(parts, 'backup_label.tar.zst');
    const before = await readFile(path);
    // Compressed anew with more behind it: it unpacks, and has other bytes.
    const pieces: Uint8Array[] = [];
    for await (const piece of codec.decode(store.name, 'x.zst', before)) pieces.push(piece);
    const original = Buffer.concat(pieces);
    const changed = Buffer.from(
      original.toString('latin1').replace('pgwarden pg-0', 'pgwarden pg-1'),
      'latin1',
    );
    await writeFile(path, await codec.encodeBytes('', changed));
    const report = await verified(settings, SEGMENT);
    expect(told(report)[0]).toMatch(/^PART_DAMAGED .*backup_label/);
    const sentinel = join(directory, 'store', 'basebackups_005', `${name}_backup_stop_sentinel.json`);
    const written = await readFile(sentinel, 'utf8');
    // Also where the sentinel says nothing of its parts, the manifest does.
    await writeFile(sentinel, written.replace('"UserData":{"pgwarden"', '"UserData":{"stranger"'));
    expect(told(await verified(settings, SEGMENT))).toEqual([`MANIFEST_MISMATCH ${name}`]);
    await writeFile(sentinel, written);
    await writeFile(path, before);
    expect(told(await verified(settings, SEGMENT))).toEqual([]);
  });

  test('whose part is gone, or has grown, is told by names and sizes alone', async () => {
    const path = join(parts, 'part_001.tar.zst');
    const before = await readFile(path);
    const quick = { ...DEEP, backups: false };
    await writeFile(path, Buffer.concat([before, Buffer.from('more')]));
    expect(told(await verified(settings, SEGMENT, quick))[0]).toMatch(/^PART_DAMAGED .*part_001/);
    await rm(path);
    expect(told(await verified(settings, SEGMENT, quick))).toEqual([`PART_MISSING ${name}`]);
    await writeFile(path, before);
  });

  test('whose sentinel tells of another place in WAL than its manifest is not', async () => {
    const sentinel = join(directory, 'store', 'basebackups_005', `${name}_backup_stop_sentinel.json`);
    const written = await readFile(sentinel, 'utf8');
    await writeFile(
      sentinel,
      written.replace(/"FinishLSN":(\d+)/, (_, lsn: string) => `"FinishLSN":${Number(lsn) - 8}`),
    );
    expect(told(await verified(settings, SEGMENT))).toEqual([`MANIFEST_MISMATCH ${name}`]);
    await writeFile(sentinel, written);
  });
});
