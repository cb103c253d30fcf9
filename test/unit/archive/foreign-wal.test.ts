import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { openStore } from '../../../src/archive/store/open.ts';
import { downloadWal } from '../../../src/archive/wal/download.ts';
import { segmentSizeOf } from '../../../src/archive/wal/segment-size.ts';
import { barmanLayout, WALG_LAYOUT, type WalLayout } from '../../../src/archive/wal/source.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'wal');
const SEGMENT = 16 * 1024 ** 2;
const signal = AbortSignal.timeout(60_000);

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pgwarden-foreign-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const fetched = async (layout: WalLayout, file: string): Promise<boolean> => {
  const store = await openStore(pathToFileURL(FIXTURES).href);
  const source = { store, codec: new Codec('zstd', null), layout };
  return await downloadWal(source, file, join(directory, file), SEGMENT, signal);
};

describe.each([
  ['WAL-G', WALG_LAYOUT, '000000010000000000000003.00000028.backup'],
  ['barman-cloud', barmanLayout('orders'), '000000010000000000000003.00052470.backup'],
])('what %s archived', (_, layout, label) => {
  test('is read back whole', async () => {
    const file = '000000010000000000000005';
    expect(await fetched(layout, file)).toBe(true);
    const bytes = await readFile(join(directory, file));
    expect(bytes).toHaveLength(SEGMENT);
    // Its first page says which WAL it is (XLogLongPageHeaderData): timeline 1, 0/5000000.
    expect(bytes.readUInt32LE(4)).toBe(1);
    expect(bytes.readBigUInt64LE(8)).toBe(0x5000000n);
    expect(await segmentSizeOf(directory)).toBe(SEGMENT);
  });

  test('has its labels of backups', async () => {
    expect(await fetched(layout, label)).toBe(true);
    expect(await readFile(join(directory, label), 'utf8')).toMatch(/^START WAL LOCATION: 0\/30/);
  });

  test('lacks what it has not', async () => {
    expect(await fetched(layout, '0000000100000000000000FF')).toBe(false);
    expect(await fetched(layout, '00000002.history')).toBe(false);
  });
});
