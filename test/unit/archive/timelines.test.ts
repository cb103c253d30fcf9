import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { Spool } from '../../../src/archive/spool.ts';
import { collect } from '../../../src/archive/store/content.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import { WalFetcher } from '../../../src/archive/wal/fetcher.ts';
import { fillTimelines } from '../../../src/archive/wal/fill-timelines.ts';
import type { Reach } from '../../../src/archive/wal/permit.ts';
import { WALG_LAYOUT } from '../../../src/archive/wal/source.ts';
import { lsnAt } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';
import { PLACEHOLDER, parseHistory } from '../../../src/postgres/volume/timeline-history.ts';

const signal = AbortSignal.timeout(30_000);
const HISTORY_2 = '1\t0/5000000\tno recovery target specified\n';
const HISTORY_5 = `${HISTORY_2}\n2\t0/8000100\tno recovery target specified\n`;

/** Keeps the order in which objects are made. */
class OrderedStore extends FileStore {
  readonly made: string[] = [];

  override async create(...args: Parameters<FileStore['create']>): Promise<'created' | 'exists'> {
    const outcome = await super.create(...args);
    if (outcome === 'created') this.made.push(args[0]);
    return outcome;
  }
}

let root = '';
let wal = '';
let store: OrderedStore;
const codec = new Codec('none', null);
/** 1 → 2 → 5: 3 and 4 were reserved for promotions that came to nothing. */
const reach: Reach = {
  timeline: timelineId(5),
  forks: parseHistory(HISTORY_5),
  confirmed: lsnAt(0xa000000),
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-timelines-'));
  wal = join(root, 'pg_wal');
  await mkdir(wal);
  await mkdir(join(root, 'store'));
  store = new OrderedStore(join(root, 'store'));
  await writeFile(join(wal, '00000005.history'), HISTORY_5);
  return () => rm(root, { recursive: true, force: true });
});

const stored = async (name: string) =>
  (await collect((await store.get(`wal_005/${name}`, { signal })).body)).toString();

describe('numbers that promotions skipped', () => {
  test('get a placeholder in the archive, after the history that makes them harmless, the highest first', async () => {
    await fillTimelines({ store, codec }, wal, reach, signal);
    expect(store.made).toEqual([5, 4, 3, 2].map((n) => `wal_005/0000000${n}.history`));
    expect(await stored('00000004.history')).toBe(PLACEHOLDER);
    expect(await stored('00000003.history')).toBe(PLACEHOLDER);
  });

  test('are left as they are where the archive has something of the name', async () => {
    await store.create('wal_005/00000004.history', Buffer.from('of another life'), { signal });
    await writeFile(join(wal, '00000002.history'), HISTORY_2);
    await fillTimelines({ store, codec }, wal, reach, signal);
    expect(await fillTimelines({ store, codec }, wal, reach, signal)).toEqual([]);
    expect(await stored('00000004.history')).toBe('of another life');
    expect(await stored('00000002.history')).toBe(HISTORY_2);
  });

  test('are told from a timeline on the way here, whose history begins that of the present one', async () => {
    await fillTimelines({ store, codec }, wal, reach, signal);
    expect(await stored('00000002.history')).toBe(HISTORY_2);
  });
});

describe('a restore that looks for the newest timeline', () => {
  const fetch = async (file: string) => {
    const spool = new Spool(root);
    await spool.empty();
    const fetcher = new WalFetcher({
      source: { store, codec, layout: WALG_LAYOUT },
      spool,
      segmentBytes: 1024 ** 2,
      useTail: true,
      ahead: 1,
      onWaiting: () => undefined,
      onFetched: () => undefined,
    });
    return (await fetcher.fetch(file, signal)) ? await readFile(join(spool.fetched, file), 'utf8') : null;
  };

  test('finds what an archive has behind a number that it lacks', async () => {
    await store.create('wal_005/00000005.history', Buffer.from(HISTORY_5), { signal });
    expect(await fetch('00000003.history')).toBe(PLACEHOLDER);
    expect(await fetch('00000005.history')).toBe(HISTORY_5);
    expect(await fetch('00000006.history')).toBeNull();
  });

  test('takes no placeholder for a timeline: it would be the newest', async () => {
    await store.create('wal_005/00000004.history', Buffer.from(PLACEHOLDER), { signal });
    expect(await fetch('00000003.history')).toBeNull();
  });
});
