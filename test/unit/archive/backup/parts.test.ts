import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Manifest } from '../../../../src/archive/backup/manifest.ts';
import { type PageFormat, writeParts } from '../../../../src/archive/backup/parts.ts';
import type { Entry } from '../../../../src/archive/backup/walk.ts';
import { Codec } from '../../../../src/archive/codec/codec.ts';
import { COMPRESSIONS } from '../../../../src/archive/codec/compression.ts';
import { encryptionKey, KeyRing } from '../../../../src/archive/codec/encryption-key.ts';
import { unpack } from '../../../../src/archive/restore/unpack.ts';
import { collect } from '../../../../src/archive/store/content.ts';
import { FileStore } from '../../../../src/archive/store/file/file-store.ts';

const KB = 1024;
const signal = AbortSignal.timeout(60_000);
/** Around the sizes of a piece and of what is compressed by itself. */
const SIZES = [0, 1, 511, 512, 8 * KB, 64 * KB - 1, 64 * KB, 512 * KB, 512 * KB + 1, 3000 * KB + 7];
let root = '';
let data = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-parts-'));
  data = join(root, 'data');
  await mkdir(join(data, 'base', '5'), { recursive: true });
  await mkdir(join(root, 'store'));
  // Half of each is what no compression makes smaller.
  for (const [index, size] of SIZES.entries())
    await writeFile(join(data, 'base', '5', `${16000 + index}`), randomBytes(size).fill('x', size >> 1));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function* entries(): AsyncGenerator<Entry> {
  yield { kind: 'directory', path: 'base/5', mode: 0o700, modifiedAt: new Date(0) } as Entry;
  for (const index of SIZES.keys()) yield { kind: 'file', path: `base/5/${16000 + index}` } as Entry;
}

async function write(codec: Codec, pages: PageFormat | null = null) {
  const store = new FileStore(join(root, 'store'));
  const seen = { read: 0 };
  const tars = await writeParts(
    {
      archive: { store, codec },
      name: 'base_000000010000000000000002',
      data,
      parallel: 2,
      pages,
      since: null,
      rate: null,
      manifest: new Manifest(15, '1'),
      onRead: (bytes) => {
        seen.read += bytes;
      },
      onStored: () => undefined,
    },
    entries(),
    signal,
  );
  return { store, tars, read: seen.read };
}

const ring = new KeyRing([encryptionKey(Buffer.alloc(32, 7))]);
const codecs = COMPRESSIONS.flatMap((how) => [
  [how, 'plain', new Codec(how, null)] as const,
  [how, 'encrypted', new Codec(how, ring)] as const,
]);

test.each(codecs)('what is written in parts comes back byte by byte (%s, %s)', async (how, kind, codec) => {
  const { store, tars, read } = await write(codec);
  expect(read).toBe(SIZES.reduce((sum, size) => sum + size, 0));
  const restored = join(root, 'restored');
  let bytes = 0;
  for (const { key, sha256, storedBytes, tarBytes } of tars) {
    const stored = await collect((await store.get(key, { signal })).body);
    expect([stored.length, createHash('sha256').update(stored).digest('hex')]).toEqual([storedBytes, sha256]);
    const tar = await collect(codec.decode(store.name, key, stored));
    expect(tar.length).toBe(tarBytes);
    expect(tar.length % 512).toBe(0);
    const places = { data: restored, tablespaces: new Map(), held: join(restored, 'held') };
    const unpacked = await unpack(codec.decode(store.name, key, stored), {
      places,
      tablespace: null,
      signal,
    });
    bytes += unpacked.bytes;
  }
  expect(bytes).toBe(read);
  const names = await readdir(join(data, 'base', '5'));
  expect(await readdir(join(restored, 'base', '5'))).toEqual(names);
  for (const name of names) {
    const [before, after] = await Promise.all(
      [data, restored].map((top) => readFile(join(top, 'base', '5', name))),
    );
    expect(after?.equals(before ?? Buffer.alloc(0)), name).toBe(true);
  }
  const total = tars.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  if (how === 'none' && kind === 'plain') expect(total).toBeGreaterThan(read);
  if (how !== 'none') expect(total).toBeLessThan(read * 0.55);
});

test('a bad page in a piece that is compressed where it is read fails the part', async () => {
  const pages = { pageBytes: 8 * KB, segmentPages: 131_072, startLsn: Number.MAX_VALUE };
  await expect(write(new Codec('zstd', null), pages)).rejects.toMatchObject({ code: 'BACKUP_CHECKSUM' });
});
