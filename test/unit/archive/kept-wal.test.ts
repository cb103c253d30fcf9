import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { ArchiveError, StoreUnreachableError } from '../../../src/archive/errors.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import { keepWal } from '../../../src/archive/wal/keep-wal.ts';
import { KeptWal } from '../../../src/archive/wal/kept-wal.ts';
import { segmentName } from '../../../src/archive/wal/names.ts';
import type { Permission } from '../../../src/archive/wal/permit.ts';
import { lsnAt } from '../../../src/ha/lsn.ts';
import { timelineId } from '../../../src/ha/units.ts';

const SEGMENT = 1024 ** 2;
const signal = AbortSignal.timeout(30_000);
const segment = (timeline: number, number: number) =>
  segmentName({ timeline: timelineId(timeline), number }, SEGMENT);
const [FIRST, SECOND, THIRD] = [segment(1, 1), segment(1, 2), segment(1, 3)] as const;
/** Timeline 1 was left in its segment 3. */
const FORK = lsnAt(3 * SEGMENT + 500);
const forks = [{ timeline: timelineId(1), switchLsn: FORK }];
const followed = (isSettled: boolean, timeline = 2): Permission => ({
  reach: null,
  reason: 'it is a standby',
  follows: { timeline: timelineId(timeline), forks: timeline === 1 ? [] : forks, isSettled },
});

let root = '';
let store: FileStore;
let permission: Permission = followed(true);
let away: ArchiveError | null = null;
let short = false;
let told: string[] = [];

const wal = () => join(root, 'pg_wal');
const kept = () => join(root, 'kept');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pgwarden-kept-'));
  await mkdir(join(wal(), 'archive_status'), { recursive: true });
  await mkdir(join(root, 'store'));
  store = new FileStore(join(root, 'store'));
  [permission, away, short, told] = [followed(true), null, false, []];
  return () => rm(root, { recursive: true, force: true });
});

async function make(name: string, status: 'ready' | 'done'): Promise<Buffer> {
  const bytes = Buffer.alloc(SEGMENT, name);
  bytes.writeUInt32LE(SEGMENT, 32);
  await writeFile(join(wal(), name), bytes);
  await writeFile(join(wal(), 'archive_status', `${name}.${status}`), '');
  return bytes;
}

const keep = (until = FORK, free = 1000 * SEGMENT) =>
  keepWal({ walDirectory: wal(), kept: kept(), until, free, signal });

const look = () =>
  new KeptWal({
    directory: kept(),
    archive: async () => {
      if (away !== null) throw away;
      return { store, codec: new Codec('none', null) };
    },
    permission: () => permission,
    segmentBytes: () => SEGMENT,
    isShortOfSpace: () => short,
    onArchived: (file, outcome) => void told.push(`${file} ${outcome}`),
    onDropped: (file) => void told.push(`${file} dropped`),
  }).look(signal);

const left = async () => (await readdir(kept())).map((name) => name.slice(0, 24)).sort();

async function archived(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('wal_005/', { signal })) keys.push(key.slice('wal_005/'.length));
  return keys;
}

describe('before the data is replaced', () => {
  test('what is ready is set aside up to the point where the histories part, with its hash', async () => {
    const bytes = await make(FIRST, 'ready');
    await make(SECOND, 'done');
    await make(THIRD, 'ready');
    expect(await keep()).toEqual({ kept: [FIRST], left: [] });
    expect(await readdir(kept())).toEqual([`${FIRST}.${createHash('sha256').update(bytes).digest('hex')}`]);
    expect(await keep()).toEqual({ kept: [], left: [] });
  });

  test('the oldest come first where there is not room for all, and the others are told', async () => {
    for (const name of [THIRD, FIRST, SECOND]) await make(name, 'ready');
    expect(await keep(lsnAt(9 * SEGMENT), 4 * SEGMENT)).toEqual({ kept: [FIRST, SECOND], left: [THIRD] });
    expect(await keep(lsnAt(9 * SEGMENT), 4 * SEGMENT)).toEqual({ kept: [], left: [THIRD] });
  });

  test('a volume without WAL has nothing to keep', async () => {
    expect(await keep()).toEqual({ kept: [], left: [] });
  });
});

describe('afterwards', () => {
  let bytes: Buffer = Buffer.alloc(0);
  /** What pg_rewind does to what its source lacks. */
  const rewound = () => rm(join(wal(), FIRST));
  beforeEach(async () => {
    bytes = await make(FIRST, 'ready');
    await keep();
  });

  test('the archive gets it once the history that left it is settled', async () => {
    await rewound();
    permission = followed(false);
    await look();
    expect(await archived()).toEqual([]);
    permission = followed(true);
    await look();
    expect((await readFile(join(root, 'store', 'wal_005', FIRST))).equals(bytes)).toBe(true);
    expect(told).toEqual([`${FIRST} created`]);
    expect(await left()).toEqual([]);
    await look();
  });

  test('it stays as long as the store is away, but for a volume that is full', async () => {
    away = new StoreUnreachableError('store', 'it is away');
    await expect(look()).rejects.toBe(away);
    expect(await left()).toEqual([FIRST]);
    short = true;
    await expect(look()).rejects.toBe(away);
    expect(told).toEqual([`${FIRST} dropped`]);
    expect(await left()).toEqual([]);
  });

  test('a full volume takes nothing from an archive that is there', async () => {
    short = true;
    await look();
    expect(told).toEqual([`${FIRST} created`]);
  });

  test('what was written into since is never archived', async () => {
    await writeFile(join(wal(), FIRST), Buffer.alloc(SEGMENT, 'new WAL'));
    await look();
    expect(await archived()).toEqual([]);
    expect(told).toEqual([`${FIRST} dropped`]);
  });

  test('what pg_wal still has another name for is read from a copy of its own', async () => {
    const [name = ''] = await readdir(kept());
    const inodeOf = async (path: string) => (await stat(path)).ino;
    expect(await inodeOf(join(kept(), name))).toBe(await inodeOf(join(wal(), FIRST)));
    // The store is away behind the copy.
    await rm(join(root, 'store'), { recursive: true });
    await expect(look()).rejects.toBeInstanceOf(ArchiveError);
    expect(await inodeOf(join(kept(), name))).not.toBe(await inodeOf(join(wal(), FIRST)));
    await mkdir(join(root, 'store'));
    await writeFile(join(wal(), FIRST), Buffer.alloc(SEGMENT, 'new WAL'));
    await look();
    expect((await readFile(join(root, 'store', 'wal_005', FIRST))).equals(bytes)).toBe(true);
    expect(await left()).toEqual([]);
  });

  test('it is dropped where no history leads through it, or the archive has other bytes of that name', async () => {
    permission = {
      reach: null,
      reason: 'it is a standby',
      follows: {
        timeline: timelineId(3),
        forks: [{ timeline: timelineId(2), switchLsn: FORK }],
        isSettled: true,
      },
    };
    await look();
    expect(told).toEqual([`${FIRST} dropped`]);
    await keep();
    permission = followed(true);
    await store.create(`wal_005/${FIRST}`, Buffer.from('other'), { signal });
    await look();
    expect(told).toEqual([`${FIRST} dropped`, `${FIRST} dropped`]);
    expect(await readFile(join(root, 'store', 'wal_005', FIRST), 'utf8')).toBe('other');
  });

  test('of the present timeline it waits for the primary, and goes when that has archived it', async () => {
    permission = followed(true, 1);
    await look();
    expect(await left()).toEqual([FIRST]);
    await store.create(`wal_005/${FIRST}`, bytes, { signal });
    await look();
    expect(await left()).toEqual([]);
    expect(told).toEqual([]);
  });
});
