import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { memberName } from '../../../src/ha/member.ts';
import { epoch } from '../../../src/ha/units.ts';
import { FactStore } from '../../../src/postgres/volume/fact-store.ts';
import { volumePaths } from '../../../src/postgres/volume/paths.ts';

let volume: string;
beforeEach(async () => {
  volume = await mkdtemp(join(tmpdir(), 'pgw-facts-'));
});
afterEach(async () => {
  await rm(volume, { recursive: true, force: true });
});

const loaded = async (): Promise<FactStore> => {
  const store = new FactStore(volumePaths(volume), memberName('pg-0'));
  await store.load();
  return store;
};

it('has what a process before it wrote down', async () => {
  const before = await loaded();
  expect(before.seen).toBeNull();
  const seen = { clusterUID: 'uid', epoch: epoch(4), revision: 2 };
  await before.writeSeen(seen);
  await before.writePromise(epoch(5));
  const after = await loaded();
  expect(after.seen).toEqual(seen);
  expect(after.facts.promise).toBe(5);
});

it('takes a damaged file for damaged, never for absent', async () => {
  await (await loaded()).writeSeen({ clusterUID: 'uid', epoch: epoch(4), revision: 2 });
  await writeFile(join(volumePaths(volume).facts, 'seen.json'), '{"clusterUID":"uid"}');
  await expect(loaded()).rejects.toMatchObject({ code: 'FACTS_CORRUPT' });
});
