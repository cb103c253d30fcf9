import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { incarnation, memberName } from '../../../src/ha/member.ts';
import { epoch } from '../../../src/ha/units.ts';
import { FactStore } from '../../../src/postgres/volume/fact-store.ts';
import { factFiles } from '../../../src/postgres/volume/facts.ts';
import { type VolumePaths, volumePaths } from '../../../src/postgres/volume/paths.ts';
import { bringBack, carryOn, dropKept, setAside } from '../../../src/postgres/volume/set-aside.ts';

/** The process dies before the durable write, removal or rename of this number; null: it lives. */
const dies = vi.hoisted(() => ({ before: null as number | null, count: 0 }));

vi.mock('../../../src/postgres/volume/durable.ts', async (original) => {
  const real = (await original()) as Record<string, unknown>;
  const mortal =
    (work: (...args: unknown[]) => Promise<void>) =>
    async (...args: unknown[]) => {
      dies.count += 1;
      if (dies.before !== null && dies.count > dies.before) throw new Error('killed');
      await work(...args);
    };
  return Object.fromEntries(
    Object.entries(real).map(([name, work]) => [
      name,
      typeof work === 'function' ? mortal(work as never) : work,
    ]),
  );
});

const ID = 'abcd0123';
const OLD = incarnation('0000000a');
const NEW = incarnation('0000000b');
const FLOOR = { epoch: epoch(3), primary: `pg-0-${OLD}` as never, revision: 7 };

let paths: VolumePaths;

beforeEach(async () => {
  dies.before = null;
  paths = volumePaths(await mkdtemp(join(tmpdir(), 'pgwarden-aside-')));
});
afterEach(() => rm(paths.volume, { recursive: true, force: true }));

const files = () => factFiles(paths.facts);

async function fill(marker: string, of: typeof OLD, generation: number): Promise<void> {
  await mkdir(paths.facts, { recursive: true });
  await mkdir(paths.data, { recursive: true });
  await writeFile(join(paths.data, 'marker'), marker);
  const identity = { incarnation: of, systemIdentifier: '7', clusterUID: 'uid', generation, inherited: null };
  await files().identity.write(identity);
  await files().floor.write({ floor: FLOOR, timelineEpochs: { 1: epoch(1) } });
  await files().promise.write({ epoch: epoch(5) });
}

/** What the next agent of this volume finds, before and after it finished what was cut off. */
async function restart(): Promise<FactStore> {
  dies.before = null;
  const store = new FactStore(paths, memberName('pg-0'));
  await store.load();
  await store.move(carryOn);
  return store;
}

/** Runs `work` with a death before each of its steps in turn, and again to its end after a restart. */
async function withEveryDeath(
  prepare: () => Promise<void>,
  work: () => Promise<unknown>,
  check: (store: FactStore, died: number) => Promise<void>,
): Promise<number> {
  for (let step = 0; ; step++) {
    await rm(paths.volume, { recursive: true, force: true });
    dies.before = null;
    await prepare();
    dies.count = 0;
    dies.before = step;
    const died = await work().then(
      () => false,
      () => true,
    );
    await restart();
    await work();
    await check(await restart(), step);
    if (!died) return step;
  }
}

const marker = async (): Promise<string | null> =>
  await readFile(join(paths.data, 'marker'), 'utf8').catch(() => null);

const aside = () => setAside(paths, files(), { id: ID, generation: 1 });

describe('setting aside', () => {
  test('leaves nothing but the promise, whichever step it is killed before', async () => {
    const steps = await withEveryDeath(
      () => fill('old', OLD, 1),
      aside,
      async (store) => {
        expect(existsSync(paths.data)).toBe(false);
        expect(await readFile(join(paths.kept, ID, 'data', 'marker'), 'utf8')).toBe('old');
        expect(store.facts).toMatchObject({
          kept: { id: ID, phase: 'aside', generation: 1 },
          incarnation: null,
          clusterUID: null,
          generation: null,
          floor: null,
          promise: 5,
        });
        expect(store.broken).toBe(false);
      },
    );
    expect(steps).toBeGreaterThan(5);
  });

  test('of a member without data is a note alone', async () => {
    await mkdir(paths.facts, { recursive: true });
    await aside();
    expect((await restart()).facts.kept).toEqual({ id: ID, phase: 'aside', generation: 1 });
    expect(existsSync(paths.data)).toBe(false);
  });

  test('keeps what is half-made as half-made', async () => {
    await fill('old', OLD, 1);
    await files().breaking.write({ work: 'rewind', from: `pg-1-${OLD}` as never, switchLsn: null });
    await aside();
    expect((await restart()).broken).toBe(false);
    await bringBack(paths, files(), { id: ID, next: 3, inPlace: false });
    expect((await restart()).broken).toBe(true);
  });

  test('refuses a second recovery while the first is kept', async () => {
    await fill('old', OLD, 1);
    await aside();
    await expect(setAside(paths, files(), { id: 'other', generation: 1 })).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
  });
});

describe('bringing back', () => {
  const back = (inPlace = false) => bringBack(paths, files(), { id: ID, next: 3, inPlace });
  const theOldOne = async (store: FactStore): Promise<void> => {
    expect(await marker()).toBe('old');
    expect(store.facts).toMatchObject({
      kept: { id: ID, phase: 'back', generation: 1 },
      incarnation: OLD,
      clusterUID: 'uid',
      generation: 3,
      floor: FLOOR,
      timelineEpochs: { 1: 1 },
      promise: 5,
    });
    expect(store.broken).toBe(false);
  };

  test('puts the old data in the place of the new, whichever step it is killed before', async () => {
    await withEveryDeath(
      async () => {
        await fill('old', OLD, 1);
        await aside();
        await fill('new', NEW, 2);
        await mkdir(paths.restoring, { recursive: true });
      },
      back,
      async (store) => {
        await theOldOne(store);
        expect(existsSync(paths.restoring)).toBe(false);
      },
    );
  });

  test('puts it where there is none yet, and finishes a move aside first that was cut off', async () => {
    await withEveryDeath(
      async () => {
        await fill('old', OLD, 1);
        dies.count = 0;
        dies.before = 3;
        await aside().catch(() => undefined);
        dies.before = null;
      },
      back,
      theOldOne,
    );
  });

  test('leaves data that was never set aside where it is', async () => {
    await withEveryDeath(
      () => fill('old', OLD, 1),
      () => back(true),
      async (store) => {
        expect(await marker()).toBe('old');
        expect(store.facts).toMatchObject({ incarnation: OLD, generation: 3, floor: FLOOR, promise: 5 });
      },
    );
  });

  test('leaves a member empty that was', async () => {
    await withEveryDeath(
      async () => {
        await mkdir(paths.facts, { recursive: true });
        await aside();
        await fill('new', NEW, 2);
      },
      back,
      async (store) => {
        expect(await marker()).toBeNull();
        expect(store.facts).toMatchObject({ kept: { phase: 'back' }, incarnation: null, floor: null });
      },
    );
  });

  test('never takes new data for old where what was set aside is lost', async () => {
    await fill('old', OLD, 1);
    await aside();
    await fill('new', NEW, 2);
    await rm(join(paths.kept, ID), { recursive: true });
    await expect(back()).rejects.toMatchObject({ code: 'KEPT_LOST' });
    expect(await marker()).toBe('new');
  });
});

test('what is dropped is gone, the note last', async () => {
  await withEveryDeath(
    async () => {
      await fill('old', OLD, 1);
      await aside();
      await fill('new', NEW, 2);
    },
    () => dropKept(paths, files(), ID),
    async (store) => {
      expect(store.facts.kept).toBeNull();
      expect(await readdir(paths.kept)).toEqual([]);
      expect(await marker()).toBe('new');
    },
  );
});
