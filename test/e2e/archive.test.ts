import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseEncodedName } from '../../src/archive/codec/codec.ts';
import { openStore } from '../../src/archive/store/open.ts';
import type { ObjectStore } from '../../src/archive/store/ports.ts';
import { parseTailKey } from '../../src/archive/tail/names.ts';
import { parseSegment } from '../../src/archive/wal/names.ts';
import { compareLsn, type Lsn } from '../../src/ha/lsn.ts';
import type { MemberStatus } from '../../src/http/ports.ts';
import { DemoCluster } from './cluster.ts';
import { giveArchive } from './give-archive.ts';
import { waitFor } from './wait-for.ts';
import { Writer } from './writer.ts';

const SEGMENT = 16 * 1024 ** 2;
const signal = AbortSignal.timeout(20 * 60_000);

/** The full segments of the archive, by timeline. */
async function segments(store: ObjectStore): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>();
  for await (const { key } of store.list('wal_005/', { signal })) {
    const file = parseEncodedName(key).name.slice('wal_005/'.length);
    const segment = file.length === 24 ? parseSegment(file, SEGMENT) : null;
    if (segment === null) continue;
    found.set(segment.timeline, [...(found.get(segment.timeline) ?? []), segment.number]);
  }
  return found;
}

describe('three members with an archive', () => {
  let cluster: DemoCluster;
  let store: ObjectStore;

  beforeAll(async () => {
    cluster = await DemoCluster.start();
    const directory = join(cluster.dir, '..', 'archive');
    await giveArchive(cluster, directory);
    store = await openStore(`file://${directory}`);
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const archiveOf = async (name: string): Promise<NonNullable<MemberStatus['archive']>> => {
    const status = await cluster.status(name);
    if (status === null || status.archive === null) throw new Error(`${name} tells of no archive`);
    return status.archive;
  };

  /** Everything that was flushed when this was called is in the archive. */
  const caughtUp = async (): Promise<void> => {
    const [row] = await cluster.query<{ lsn: Lsn }>('SELECT pg_current_wal_flush_lsn() AS lsn');
    const lsn = row?.lsn ?? ('0/0' as Lsn);
    await waitFor('the archive to have it', async () => {
      const { tail } = await archiveOf(await cluster.primary());
      return tail !== null && compareLsn(tail.position, lsn) >= 0;
    });
  };

  test('keep it a second behind, and say so', async () => {
    const writer = await new Writer(cluster.url, { connections: 4 }).start();
    await writer.waitForWrites(500);
    await caughtUp();
    const { tail, failing, creation } = await archiveOf(await cluster.primary());
    await writer.stop();
    expect(failing).toEqual([]);
    expect(creation).toBe('atomic');
    expect(Date.now() - Date.parse(tail?.currentAt ?? '')).toBeLessThan(10_000);
    for (const standby of await cluster.standbys()) {
      expect(await archiveOf(standby)).toMatchObject({ archived: 0, tail: null, failing: [] });
    }
  });

  test('leave neither hole nor fork through failovers', async () => {
    const writer = await new Writer(cluster.url, { connections: 8 }).start();
    for (let round = 0; round < 3; round++) {
      await cluster.waitUntilComplete();
      const primary = await cluster.primary();
      await cluster.query(
        "SELECT count(pg_logical_emit_message(false, 'fill', repeat('x', 1000000))) FROM generate_series(1, 40)",
      );
      await cluster.kill(primary);
      await waitFor('another primary', async () => {
        const [now] = await cluster.primaries();
        return now !== undefined && now !== primary;
      });
      await writer.waitForWrites(100);
    }
    await cluster.verify(writer);
    await caughtUp();
    const byTimeline = await segments(store);
    expect(byTimeline.size).toBeGreaterThanOrEqual(2);
    const covered = new Set<number>();
    for (const numbers of byTimeline.values()) for (const number of numbers) covered.add(number);
    const status = await cluster.status(await cluster.primary());
    const timeline = status?.timeline ?? 0;
    for await (const { key } of store.list(
      `pgwarden/tail/${timeline.toString(16).toUpperCase().padStart(8, '0')}/`,
      { signal },
    )) {
      const piece = parseTailKey(key);
      if (piece !== null) covered.add(Math.floor(Number.parseInt(key.slice(-37, -21), 16) / SEGMENT));
    }
    const numbers = [...covered].sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    const [failures] = await cluster.query<{ code: string | null }>(
      'SELECT last_failed_wal AS code FROM pg_stat_archiver WHERE last_failed_time > last_archived_time',
    );
    expect(failures).toBeUndefined();
  });
});
