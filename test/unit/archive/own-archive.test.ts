import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ClaimNote } from '../../../src/archive/claim-note.ts';
import { readIdentity } from '../../../src/archive/identity.ts';
import { OwnArchive } from '../../../src/archive/opened-archive.ts';
import { DEFAULT_S3 } from '../../../src/archive/store/open.ts';

const IDENTITY = { clusterUID: 'uid-1', generation: 1, systemIdentifier: '7' };
const signal = AbortSignal.timeout(30_000);
let root = '';
let directory = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-own-'));
  directory = join(root, 'archive');
  await mkdir(directory);
  return () => rm(root, { recursive: true, force: true });
});

function own(identity = IDENTITY): OwnArchive {
  const settings = {
    url: `file://${directory}`,
    s3: DEFAULT_S3,
    compression: 'none',
    keyFile: null,
  } as const;
  return new OwnArchive(settings, new ClaimNote(join(root, 'claimed.json')), () => identity);
}

/** As a volume that is unmounted leaves it: an empty directory of the same name. */
async function unmount(): Promise<void> {
  await rename(directory, `${directory}.away`);
  await mkdir(directory);
}

test('an archive that is empty and was not before is refused, and not begun anew', async () => {
  await own().open(signal);
  await unmount();
  await expect(own().open(signal)).rejects.toMatchObject({ code: 'ARCHIVE_EMPTIED' });
  expect(await readdir(directory)).toEqual([]);
  await expect(own().openToRead(signal)).rejects.toMatchObject({ code: 'ARCHIVE_EMPTIED' });
  // What a person says by removing the note.
  await rm(join(root, 'claimed.json'));
  await own().open(signal);
  await access(join(directory, 'pgwarden', 'identity.json'));
});

test('an archive whose volume goes away while it is open takes nothing more', async () => {
  const archive = own();
  const { store } = await archive.open(signal);
  await unmount();
  await expect(store.create('wal_005/x', Buffer.from('x'), { signal })).rejects.toMatchObject({
    code: 'ARCHIVE_MISSING',
  });
  expect(await readdir(directory)).toEqual([]);
  await expect(archive.recheck(signal)).rejects.toMatchObject({ code: 'ARCHIVE_MISSING' });
  await rm(directory, { recursive: true });
  await rename(`${directory}.away`, directory);
  // It is opened anew, once the pause after a failure is over.
  await expect.poll(() => archive.open(signal).then(() => 'open', String), { timeout: 10_000 }).toBe('open');
});

test('an archive that is emptied while it is open is noticed, and stays refused', async () => {
  const archive = own();
  const { store } = await archive.open(signal);
  await store.deleteMany(['pgwarden/identity.json'], { signal });
  await expect(archive.recheck(signal)).rejects.toMatchObject({ code: 'ARCHIVE_EMPTIED' });
  await expect(archive.open(signal)).rejects.toMatchObject({ code: 'ARCHIVE_EMPTIED' });
  expect(archive.store).toBeNull();
});

test('whoever only reads writes nothing, and begins no archive', async () => {
  await expect(own().openToRead(signal)).rejects.toMatchObject({ code: 'ARCHIVE_NOT_READY' });
  expect(await readdir(directory)).toEqual([]);
  await own().open(signal);
  const reader = own();
  await reader.openToRead(signal);
  expect(reader.store).toBeNull();
  await reader.open(signal);
  expect(reader.store?.creation).toBe('atomic');
});

test('a note of another cluster, or of another place, says nothing', async () => {
  await own().open(signal);
  await unmount();
  const another = { ...IDENTITY, generation: 2 };
  await own(another).open(signal);
});

test('whoever has no more time is not held up by an opening', async () => {
  await expect(own().open(AbortSignal.abort())).rejects.toMatchObject({ code: 'ARCHIVE_CANCELLED' });
});

const NEXT = { ...IDENTITY, generation: 2 };

test('an archive goes on with the next life of its cluster when that claims it, and is then no more of the one before', async () => {
  await own().open(signal);
  await expect(own(NEXT).openToRead(signal)).rejects.toMatchObject({ code: 'ARCHIVE_NOT_READY' });
  const { store } = await own(NEXT).open(signal);
  expect(await readIdentity(store, { signal })).toEqual(NEXT);
  await own(NEXT).openToRead(signal);
  await expect(own().open(signal)).rejects.toMatchObject({ code: 'ARCHIVE_FOREIGN' });
  await expect(own().openToRead(signal)).rejects.toMatchObject({ code: 'ARCHIVE_FOREIGN' });
});

test('another cluster or system never takes an archive over, whatever life it is in', async () => {
  await own().open(signal);
  for (const other of [
    { ...NEXT, clusterUID: 'uid-2' },
    { ...NEXT, systemIdentifier: '8' },
  ])
    await expect(own(other).open(signal)).rejects.toMatchObject({ code: 'ARCHIVE_FOREIGN' });
});

test('what was opened in one life is opened anew in the next', async () => {
  let identity = IDENTITY;
  const settings = {
    url: `file://${directory}`,
    s3: DEFAULT_S3,
    compression: 'none',
    keyFile: null,
  } as const;
  const archive = new OwnArchive(settings, new ClaimNote(join(root, 'claimed.json')), () => identity);
  await archive.open(signal);
  identity = NEXT;
  const { store } = await archive.open(signal);
  expect(await readIdentity(store, { signal })).toEqual(NEXT);
});
