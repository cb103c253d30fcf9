import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openForBackup } from '../../../../src/agent/backup/archive.ts';
import { claimArchive } from '../../../../src/archive/identity.ts';
import type { ArchiveSettings } from '../../../../src/archive/opened-archive.ts';
import { DEFAULT_S3, openStore } from '../../../../src/archive/store/open.ts';

const own = { clusterUID: 'a', generation: 1, systemIdentifier: '7' };
const signal = AbortSignal.timeout(20_000);
let folder: string;
let settings: ArchiveSettings;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pgwarden-claimed-'));
  settings = { url: `file://${folder}`, s3: DEFAULT_S3, compression: 'none', keyFile: null };
});
afterEach(() => rm(folder, { recursive: true }));

async function claim(identity = own): Promise<void> {
  const store = await openStore(settings.url);
  await claimArchive(store, identity, null, { signal });
  store.close();
}

test('a backup waits for a primary that has just begun to claim the archive', async () => {
  const opening = openForBackup(settings, own, { mayWrite: true }, signal);
  await claim();
  (await opening).store.close();
});

test('a look at an archive that nobody has claimed says so at once', async () => {
  await expect(openForBackup(settings, own, { mayWrite: false }, signal)).rejects.toMatchObject({
    code: 'ARCHIVE_NOT_READY',
    message: expect.stringContaining('has not archived anything there yet'),
  });
});

test('an archive of an earlier life of the cluster is waited for, until the primary has moved it on', async () => {
  await claim();
  const next = { ...own, generation: own.generation + 1 };
  await expect(openForBackup(settings, next, { mayWrite: false }, signal)).rejects.toMatchObject({
    code: 'ARCHIVE_NOT_READY',
    message: expect.stringContaining('has not moved it to the present life'),
  });
  const opening = openForBackup(settings, next, { mayWrite: false, waits: true }, signal);
  await claim(next);
  (await opening).store.close();
});

test('an archive of a later life is refused', async () => {
  await claim();
  const before = { ...own, generation: own.generation - 1 };
  await expect(openForBackup(settings, before, { mayWrite: true }, signal)).rejects.toMatchObject({
    code: 'ARCHIVE_FOREIGN',
  });
});
