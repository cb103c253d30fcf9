import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { WALG } from '../../../../src/archive/catalog/layout.ts';
import { carryOut } from '../../../../src/archive/retention/carry-out.ts';
import { planRetention, type RetentionPlan } from '../../../../src/archive/retention/plan.ts';
import { readHoldings } from '../../../../src/archive/retention/read-holdings.ts';
import { collect } from '../../../../src/archive/store/content.ts';
import type { ObjectStore } from '../../../../src/archive/store/ports.ts';
import { codec, MadeArchive, OWN, SEGMENT } from './made-archive.ts';
import { KINDS, type Kind, OBTAIN_WITHIN, Stores } from './stores.ts';

const signal = AbortSignal.timeout(15 * 60_000);
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

let stores: Stores;
beforeAll(async () => {
  stores = await Stores.open();
}, OBTAIN_WITHIN);
afterAll(() => stores[Symbol.asyncDispose]());

/** Two timelines, four backups (the oldest permanent, one of another cluster's), and what is not pgwarden's. */
async function made(kind: Kind, context: TestContext): Promise<MadeArchive> {
  const store = await stores.fresh(kind);
  if (store === null) return context.skip(stores.noS3 ?? 'no S3 server');
  const archive = new MadeArchive(store, signal);
  await archive.identity();
  await archive.segments(1, 1, 6);
  await archive.history(2, [[1, 7.5]]);
  await archive.segments(2, 7, 12);
  await archive.backup(1, 2.2, 2.8, daysAgo(9), { permanent: true });
  await archive.backup(1, 4.2, 4.8, daysAgo(8));
  await archive.backup(2, 8.2, 8.8, daysAgo(3));
  await archive.backup(2, 10.2, 10.8, daysAgo(1));
  await store.put('wal_005/a-note-of-somebody', Buffer.from('mine'), { signal });
  await store.put('elsewhere/000000010000000000000001.zst', Buffer.from('mine'), { signal });
  return archive;
}

async function planFor(store: ObjectStore): Promise<RetentionPlan> {
  const holdings = await readHoldings({ store, codec, layout: WALG }, SEGMENT, OWN.systemIdentifier, signal);
  return planRetention(holdings, { window: null, count: 2 });
}

const run = async (store: ObjectStore) =>
  await carryOut(store, await planFor(store), OWN, () => undefined, signal);

describe.each(KINDS)('retention in %s', (kind) => {
  test('removes the old and leaves what a kept backup needs, and what is not its own', async (context) => {
    const archive = await made(kind, context);
    const before = await archive.keys();
    const outcome = await run(archive.store);
    const after = await archive.keys();
    const gone = before.filter((key) => !after.includes(key));
    expect(outcome.backups).toEqual(['base_000000010000000000000004']);
    expect(outcome).toMatchObject({ backupObjects: 6, walObjects: 6 });
    expect(gone.filter((key) => key.startsWith('wal_005/')).map((key) => key.slice(8, 32))).toEqual([
      '000000010000000000000001',
      '000000010000000000000003',
      '000000010000000000000004',
      '000000010000000000000005',
      '000000010000000000000006',
      '000000020000000000000007',
    ]);
    expect(
      gone
        .filter((key) => !key.startsWith('wal_005/'))
        .every((key) => key.includes('000000010000000000000004')),
    ).toBe(true);
    expect(await run(archive.store)).toMatchObject({ backups: [], backupObjects: 0, walObjects: 0 });
  });

  test('that is killed at any step is finished by the next run, and never leaves a sentinel without its parts', async (context) => {
    const whole = await made(kind, context);
    await run(whole.store);
    const final = await whole.keys();
    for (let step = 0; ; step++) {
      const archive = await made(kind, context);
      const dying = dyingAt(archive.store, step);
      const died = await run(dying).then(
        () => false,
        () => true,
      );
      const left = await archive.keys();
      for (const sentinel of left.filter((key) => key.endsWith('_backup_stop_sentinel.json'))) {
        const folder = sentinel.replace('_backup_stop_sentinel.json', '/');
        expect(
          left.filter((key) => key.startsWith(folder)),
          `step ${step}`,
        ).toHaveLength(5);
      }
      if (!died) break;
      // What the killed one left of a backup counts as dead after a day.
      const holdings = await readHoldings(
        { store: archive.store, codec, layout: WALG },
        SEGMENT,
        OWN.systemIdentifier,
        signal,
      );
      const plan = planRetention({ ...holdings, now: daysAgo(-2) }, { window: null, count: 2 });
      await carryOut(archive.store, plan, OWN, () => undefined, signal);
      expect(await archive.keys(), `step ${step}`).toEqual(final);
    }
  });

  test('removes nothing from an archive of another cluster, another life, or nobody', async (context) => {
    const archive = await made(kind, context);
    const before = await archive.keys();
    for (const other of [
      { ...OWN, generation: 2 },
      { ...OWN, clusterUID: 'x' },
      { ...OWN, systemIdentifier: '1' },
    ]) {
      const plan = await planFor(archive.store);
      await expect(carryOut(archive.store, plan, other, () => undefined, signal)).rejects.toMatchObject({
        code: 'RETENTION_NOT_OWN',
      });
    }
    await archive.store.deleteMany(['pgwarden/identity.json'], { signal });
    await expect(run(archive.store)).rejects.toMatchObject({ code: 'RETENTION_NOT_OWN' });
    expect(await archive.keys()).toEqual(before.filter((key) => key !== 'pgwarden/identity.json'));
  });

  test('leaves a backup that came to its end since it was taken for dead', async (context) => {
    const archive = await made(kind, context);
    const { store } = archive;
    const slow = await archive.backup(2, 11.2, 11.8, daysAgo(0));
    const sentinel = `basebackups_005/${slow}_backup_stop_sentinel.json`;
    const { body } = await store.get(sentinel, { signal });
    const written = await collect(body);
    await store.deleteMany([sentinel], { signal });
    const holdings = await readHoldings(
      { store, codec, layout: WALG },
      SEGMENT,
      OWN.systemIdentifier,
      signal,
    );
    const plan = planRetention({ ...holdings, now: daysAgo(-2) }, { window: null, count: 2 });
    expect(plan.leftovers.map(({ id }) => id)).toEqual([slow]);
    await store.put(sentinel, written, { signal });
    await carryOut(store, plan, OWN, () => undefined, signal);
    expect((await archive.keys()).filter((key) => key.includes(slow))).toHaveLength(6);
  });

  test('leaves a backup of another system identifier, and WAL from its start on', async (context) => {
    const archive = await made(kind, context);
    const foreign = await archive.backup(1, 3.2, 3.8, daysAgo(20), { systemIdentifier: '12345' });
    await run(archive.store);
    const keys = await archive.keys();
    expect(keys.filter((key) => key.includes(foreign))).toHaveLength(6);
    expect(keys).toContain('wal_005/000000010000000000000003.zst');
    expect(keys).not.toContain('wal_005/000000010000000000000001.zst');
  });
});

/** A store whose owner dies before the n-th removal, and half-way through that one. */
function dyingAt(store: ObjectStore, step: number): ObjectStore {
  let done = 0;
  return new Proxy(store, {
    get(target, name) {
      if (name === 'deleteMany')
        return async (keys: readonly string[], options: { signal: AbortSignal }) => {
          if (done++ < step) return await target.deleteMany(keys, options);
          await target.deleteMany(keys.slice(0, Math.floor(keys.length / 2)), options);
          throw new Error('killed');
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
