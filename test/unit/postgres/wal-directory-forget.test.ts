import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { timelineId } from '../../../src/ha/units.ts';
import { WalDirectory } from '../../../src/postgres/volume/wal-directory.ts';

let path: string;
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'pgwarden-wal-'));
});
afterAll(() => rm(path, { recursive: true, force: true }));

test('a history that a tool made empty and filled later is read once the work is done', async () => {
  const directory = new WalDirectory(path);
  await writeFile(join(path, '00000002.history'), '');
  await utimes(path, new Date(0), new Date(0));
  expect((await directory.look()).forksOf.get(timelineId(2))).toBeUndefined();
  await writeFile(join(path, '00000002.history'), '1\t0/403FCF0\tno recovery target specified\n');
  directory.forget();
  expect((await directory.look()).forksOf.get(timelineId(2))).toEqual([
    { timeline: 1, switchLsn: '0/403FCF0' },
  ]);
});
