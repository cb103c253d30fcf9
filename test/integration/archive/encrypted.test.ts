import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WALG } from '../../../src/archive/catalog/layout.ts';
import { listBackups } from '../../../src/archive/catalog/list-backups.ts';
import { holdDrill } from '../../../src/archive/drill/drill.ts';
import { type ArchiveSettings, openArchive } from '../../../src/archive/opened-archive.ts';
import { openRestoreSource, type RestoreSource } from '../../../src/archive/restore/source.ts';
import { removeFromArchive } from '../../../src/archive/retention/run-retention.ts';
import { DEFAULT_S3 } from '../../../src/archive/store/open.ts';
import { type VerifyReport, verify } from '../../../src/archive/verify/verify.ts';
import { dropRoot } from '../postgres/drop-root.ts';
import { checksummed, take } from './backup/take.ts';
import { IDENTITY, SEGMENT } from './postgres.ts';

const signal = AbortSignal.timeout(10 * 60_000);

let directory = '';
let settings: ArchiveSettings;
let own = { ...IDENTITY, systemIdentifier: '' };
const backups: string[] = [];

async function key(name: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, `${randomBytes(32).toString('base64')}\n`);
  await chmod(path, 0o600);
  return path;
}

async function withSource<Result>(
  work: (source: RestoreSource) => Promise<Result>,
  change: Partial<ArchiveSettings> = {},
): Promise<Result> {
  const source = await openRestoreSource({ ...settings, ...change }, signal);
  try {
    return await work(source);
  } finally {
    source.store.close();
  }
}

const verified = (change: Partial<ArchiveSettings> = {}): Promise<VerifyReport> =>
  withSource(
    (source) =>
      verify(source, SEGMENT, { backups: true, wal: true, only: null, parallel: 2 }, () => undefined, signal),
    change,
  );

beforeAll(async () => {
  dropRoot();
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-encrypted-'));
  const store = join(directory, 'store');
  await mkdir(store);
  settings = { url: `file://${store}`, s3: DEFAULT_S3, compression: 'zstd', keyFile: await key('keys') };
  await using server = await checksummed();
  await server.start();
  await server.startArchiver(settings);
  await server.query('create table kept as select i, md5(i::text) from generate_series(1, 10000) i');
  const archive = await openArchive(settings);
  for (let i = 0; i < 2; i++) backups.push((await take(server, archive)).name);
  // The archiver of this test does not know its cluster.
  const systemIdentifier = await server.value<string>(
    'select system_identifier::text from pg_control_system()',
  );
  own = { ...IDENTITY, systemIdentifier };
  const identity = JSON.stringify({ format: 1, ...own });
  await archive.store.put('pgwarden/identity.json', Buffer.from(identity), { signal });
  archive.store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('an archive that is encrypted here', () => {
  test('is verified to the last byte with its key', async () => {
    const report = await verified();
    expect(report.findings).toEqual([]);
    expect(report.backups.map(({ id, manifest }) => [id, manifest])).toEqual(
      backups.map((id) => [id, 'checked']),
    );
    expect(report.segmentsRead).toBeGreaterThan(1);
  });

  test('is not found good with another key', async () => {
    const outcome = await verified({ keyFile: await key('others') }).then(
      ({ ok }) => ok,
      ({ code }) => code,
    );
    expect([false, 'ARCHIVE_KEY']).toContain(outcome);
  });

  test('is rehearsed by a drill', async () => {
    const result = await withSource((source) =>
      holdDrill(
        {
          source,
          member: 'pg-0',
          directory: join(directory, 'scratch'),
          keepFree: 0.01,
          binDirectory: null,
          user: 'postgres',
          checks: [{ name: 'kept', database: 'postgres', sql: 'select count(*) = 10000 from kept' }],
          amcheck: false,
          backup: null,
          parallel: 2,
          timeout: 300_000,
          report: () => undefined,
        },
        signal,
      ),
    );
    expect(result).toMatchObject({
      ok: true,
      error: null,
      backup: backups[1],
      manifest: 'checked',
      rows: 10_000,
    });
    expect(await readdir(directory)).not.toContain('scratch');
  });

  test('is thinned by retention, and what stays is whole', async () => {
    const report = await withSource((source) =>
      removeFromArchive(source, own, { policy: { window: null, count: 1 } }, false, () => undefined, signal),
    );
    expect(report.removed?.backups).toEqual([backups[0]]);
    expect(report.removed?.walObjects).toBeGreaterThan(0);
    const left = await withSource(({ store }) => listBackups({ store, layout: WALG }, signal));
    expect(left.backups.map(({ id }) => id)).toEqual([backups[1]]);
    expect(await verified()).toMatchObject({ ok: true, findings: [] });
  });
});
