import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { FileReading, PIECE_BYTES } from '../../../../src/archive/backup/file-reading.ts';
import {
  type FileChanges,
  incrementHeader,
  incrementPath,
  planIncrement,
} from '../../../../src/archive/backup/incremental-file.ts';

const PAGE = 8192;
const FORMAT = { pageBytes: PAGE, segmentPages: 1000 };
const changes = (blocks: number[], limit: number | null = null): FileChanges => ({
  blocks: Uint32Array.from(blocks),
  limit,
});
const plan = (pages: number, of: FileChanges | null) => {
  const found = planIncrement(pages * PAGE, of, FORMAT);
  return found === null ? null : { blocks: [...found.blocks], pages: found.pages };
};

describe('of a file that changed', () => {
  it('the changed blocks are stored, those beyond its end left out', () => {
    expect(plan(100, changes([3, 7, 99, 100, 400]))).toEqual({ blocks: [3, 7, 99], pages: 100 });
  });
  it('none is stored where nothing changed', () => {
    expect(plan(100, null)).toEqual({ blocks: [], pages: 100 });
    expect(plan(100, changes([]))).toEqual({ blocks: [], pages: 100 });
  });
  it('everything behind a truncation is stored, for the parent has what was there before', () => {
    expect(plan(20, changes([2, 17], 16))).toEqual({ blocks: [2, 16, 17, 18, 19], pages: 20 });
    expect(plan(20, changes([2, 17], 40))).toEqual({ blocks: [2, 17], pages: 20 });
  });
  it.each([
    ['it was made anew', 20, changes([1], 0)],
    ['it was cut before this file of the relation', 20, changes([1], -3)],
    ['nearly all of it changed', 10, changes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])],
    ['it is empty', 0, null],
    ['it is longer than a file of a relation', 1001, null],
    ['it ends within a page', 1.5, null],
  ])('the whole is stored where %s', (_, pages, of) => {
    expect(plan(pages, of)).toBeNull();
  });
});

test('the header is rounded up to a page where blocks follow, and only there', () => {
  const words = (bytes: Uint8Array<ArrayBuffer>) => [...new Uint32Array(bytes.buffer).subarray(0, 5)];
  const some = incrementHeader({ blocks: Uint32Array.of(5, 9), pages: 30 }, PAGE);
  expect(some).toHaveLength(PAGE);
  expect(words(some)).toEqual([0xd3ae1f0d, 2, 30, 5, 9]);
  const none = incrementHeader({ blocks: new Uint32Array(0), pages: 30 }, PAGE);
  expect(words(none)).toEqual([0xd3ae1f0d, 0, 30]);
  expect(incrementHeader({ blocks: new Uint32Array(2046), pages: 3000 }, PAGE)).toHaveLength(2 * PAGE);
});

test('its name is marked in its folder', () => {
  expect(incrementPath('base/5/16384.1')).toBe('base/5/INCREMENTAL.16384.1');
  expect(incrementPath('global/1260')).toBe('global/INCREMENTAL.1260');
});

describe('a file of which the changes are read', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgwarden-increment-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives its header and those blocks, whatever lies between them', async () => {
    const pages = 300;
    const content = Buffer.alloc(pages * PAGE);
    for (let page = 0; page < pages; page++) content.fill(page % 251, page * PAGE, (page + 1) * PAGE);
    const path = join(folder, '16384');
    await writeFile(path, content);
    // More than a piece of them, in stretches.
    const blocks = Array.from({ length: pages }, (_, block) => block).filter((block) => block % 5 !== 0);
    const file = FileReading.open({
      path,
      name: 'base/5/16384',
      check: null,
      compression: 'none',
      since: { changes: changes(blocks), format: FORMAT },
    });
    const read: Buffer[] = [];
    for (let piece = file?.next() ?? null; piece !== null; piece = file?.next() ?? null)
      read.push(Buffer.from(piece));
    file?.close();
    expect(read.every(({ length }) => length <= PIECE_BYTES)).toBe(true);
    const all = Buffer.concat(read);
    expect(file?.facts).toMatchObject({ isIncrement: true, size: all.length });
    expect(all.length).toBe(PAGE * (1 + blocks.length));
    const stored = blocks.map((_, index) => all[(index + 1) * PAGE]);
    expect(stored).toEqual(blocks.map((block) => block % 251));
  });
});
