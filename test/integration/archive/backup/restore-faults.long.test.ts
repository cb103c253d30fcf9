import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ArchiveSettings, openArchive } from '../../../../src/archive/opened-archive.ts';
import { type Fault, FaultProxy } from '../../../s3/fault-proxy.ts';
import type { S3Server } from '../../../s3/server.ts';
import { Place } from '../../restore/restored.ts';
import { archived, Stage, until } from './stage.ts';
import { checksummed, take } from './take.ts';

/** What a restore reads: the tars of a backup, and WAL by its full segments. */
const PART = /\/tar_partitions\/.*\.tar/;
const SEGMENT = /\/wal_005\/[0-9A-F]{24}\./;

let stage: Stage;
let settings: ArchiveSettings | null = null;
beforeAll(async () => {
  stage = await Stage.open();
  if (stage.s3 !== null) settings = await leave(stage.s3);
}, 12 * 60_000);
afterAll(async () => await stage?.[Symbol.asyncDispose]());

/** A backup, and five segments behind it with a row each. */
async function leave(s3: S3Server): Promise<ArchiveSettings> {
  const made = stage.inBucket(s3);
  await using server = await checksummed();
  await server.start();
  await server.startArchiver(made);
  await server.query('create table marks (id int); insert into marks values (1)');
  await take(server, await openArchive(made));
  for (const id of [2, 3, 4, 5]) {
    await server.fill(1);
    await server.query(`insert into marks values (${id})`);
  }
  await archived(server);
  return made;
}

function flagsOf({ s3 }: ArchiveSettings, endpoint: string): string[] {
  return [
    `archive.s3.endpoint=${endpoint}`,
    'archive.s3.region=us-east-1',
    'archive.s3.pathStyle=true',
    `archive.s3.accessKeyIdFile=${s3.credentials?.accessKeyIdFile}`,
    `archive.s3.secretAccessKeyFile=${s3.credentials?.secretAccessKeyFile}`,
  ];
}

describe('a restore never ends early', () => {
  /** The fault meets each tar and each segment so many times, more often than the SDK tries by itself. */
  const TIMES = 4;

  test.for<[string, Fault]>([
    ['answers 503', { kind: 'answer', status: 503, code: 'SlowDown' }],
    ['answers 500', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['refuses its credentials', { kind: 'answer', status: 403, code: 'AccessDenied' }],
    ['has a proxy that knows no such page', { kind: 'answer', status: 404, code: 'NotFound' }],
    ['breaks off in a body', { kind: 'truncate', bytes: 1000 }],
    ['is slow', { kind: 'drip', bytes: 64 * 1024 }],
  ])('where the store %s', async ([, fault], context) => {
    if (stage.s3 === null || settings === null) return context.skip(stage.noS3 ?? '');
    await using proxy = await FaultProxy.start(stage.s3.port);
    await using place = await Place.make();
    const met = new Map<string, number>();
    // Before it has a plan, a fault is told to whoever asked: nothing is written then.
    let planned = false;
    proxy.fail((method, path) => {
      planned ||= PART.test(path);
      if (!planned || method !== 'GET' || !(PART.test(path) || SEGMENT.test(path))) return null;
      const times = (met.get(path) ?? 0) + 1;
      met.set(path, times);
      return times <= TIMES ? fault : null;
    });
    const flags = flagsOf(settings, proxy.endpoint);
    const { recovered } = await place.restore(settings.url, { kind: 'latest' }, { flags });
    expect(recovered).toMatchObject({ promoted: true });
    expect([...met.keys()].some((path) => PART.test(path))).toBe(true);
    expect([...met.keys()].filter((path) => SEGMENT.test(path)).length).toBeGreaterThanOrEqual(5);
    expect(await place.marks()).toEqual([1, 2, 3, 4, 5]);
  });

  test.for<[string, RegExp]>([
    ['while it unpacks', PART],
    ['while it replays', SEGMENT],
  ])('where the store is killed %s, and comes back', async ([, at], context) => {
    if (stage.s3 === null || settings === null) return context.skip(stage.noS3 ?? '');
    const { s3 } = stage;
    await using proxy = await FaultProxy.start(s3.port);
    await using place = await Place.make();
    let killing: Promise<void> | null = null;
    let waits = 0;
    let planned = false;
    proxy.fail((method, path) => {
      planned ||= PART.test(path);
      if (planned && method === 'GET' && at.test(path)) killing ??= s3.kill();
      return null;
    });
    const flags = flagsOf(settings, proxy.endpoint);
    const report = ({ detail }: { readonly detail: string }): void => {
      if (killing !== null && detail.startsWith('waits for the store')) waits += 1;
    };
    const restoring = place.restore(settings.url, { kind: 'latest' }, { flags, report });
    restoring.catch(() => undefined);
    await until('it to wait for the store', () => waits >= 2);
    await killing;
    await s3.resume();
    await restoring;
    expect(await place.marks()).toEqual([1, 2, 3, 4, 5]);
  });
});
