import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { fetchableTimeline } from '../../../src/agent/archive/fetchable.ts';
import { ANSWER_WITHIN as PUSH_ANSWER_WITHIN } from '../../../src/agent/archive/service.ts';
import {
  ANSWER_WITHIN as FETCH_ANSWER_WITHIN,
  StandbyFetch,
} from '../../../src/agent/archive/standby-fetch.ts';
import { Codec } from '../../../src/archive/codec/codec.ts';
import { Spool } from '../../../src/archive/spool.ts';
import { FileStore } from '../../../src/archive/store/file/file-store.ts';
import { epoch, type TimelineId, timelineId } from '../../../src/ha/units.ts';
import { DEFAULT_LIMITS } from '../../../src/http/bounded-server.ts';
import { id, local, primaryView, record, standbyView, streamingFrom, wonBy } from '../ha/views.ts';

describe('what a standby may take from the archive', () => {
  const of = (patch: Parameters<typeof local>[1] = {}, more = {}) =>
    fetchableTimeline(standbyView({ local: local(1, { server: streamingFrom(0), ...patch }), ...more }));

  test('is what belongs to the epoch that it follows', () => expect(of()).toBe(3));

  test('is nothing once it promised a later epoch', () => expect(of({ promise: epoch(4) })).toBeNull());

  test('is nothing of an epoch that it has not learned of: its floor comes first', () => {
    expect(of({}, { record: wonBy(0) })).toBeNull();
    expect(of({ floor: null })).toBeNull();
  });

  test('is nothing while it follows nobody, or another than the primary', () => {
    expect(of({ server: streamingFrom(0, { follows: null }) })).toBeNull();
    expect(of({}, { record: record({ primary: id(2) }) })).toBeNull();
  });

  test('is nothing while it is promoted, and for a primary', () => {
    expect(of({ server: streamingFrom(0, { promoting: true }) })).toBeNull();
    expect(fetchableTimeline(primaryView())).toBeNull();
  });
});

describe('the answer to restore_command', () => {
  const signal = AbortSignal.timeout(30_000);
  let root = '';
  let spool: Spool;
  let store: FileStore;
  let timeline: TimelineId | null = timelineId(2);
  let opening: Promise<unknown> = Promise.resolve();
  let fetch: StandbyFetch;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pgwarden-fetch-'));
    await mkdir(join(root, 'store'));
    store = new FileStore(join(root, 'store'));
    spool = new Spool(root);
    await spool.empty();
    [timeline, opening] = [timelineId(2), Promise.resolve()];
    const silent = () => undefined;
    const archive = { store, codec: new Codec('none', null) };
    fetch = new StandbyFetch({
      archiver: {
        openToRead: (asked) =>
          new Promise((resolve, reject) => {
            asked.addEventListener('abort', () => reject(asked.reason));
            opening.then(() => resolve(archive), reject);
          }),
      },
      spool,
      segmentBytes: () => 4,
      fetchable: () => timeline,
      log: { debug: silent, info: silent, warn: silent, error: silent },
    });
    return async () => {
      fetch.close();
      await rm(root, { recursive: true, force: true });
    };
  });
  const put = (file: string, content: string) =>
    store.create(`wal_005/${file}`, Buffer.from(content), { signal });
  const SEGMENT = '000000020000000000000001';

  test('brings full files, and says plainly what the archive lacks', async () => {
    await put(SEGMENT, 'full');
    expect(await fetch.fetch(SEGMENT, signal)).toMatchObject({ status: 200 });
    expect(await readFile(join(spool.fetched, SEGMENT), 'utf8')).toBe('full');
    const next = '000000020000000000000002';
    expect(await fetch.fetch(next, signal)).toMatchObject({ status: 404, absent: true });
  });

  test('never makes a segment of the tail', async () => {
    await store.create('pgwarden/tail/00000002/0000000000000004-0000000000000006', Buffer.from('ta'), {
      signal,
    });
    expect(await fetch.fetch(SEGMENT, signal)).toMatchObject({ status: 404, absent: true });
  });

  test('brings nothing of a timeline beyond the one that is followed', async () => {
    await put('000000030000000000000001', 'full');
    await put('00000003.history', '2\t0/4\tx\n');
    for (const file of ['000000030000000000000001', '00000003.history']) {
      const answer = await fetch.fetch(file, signal);
      expect(answer.status).toBe(503);
      expect(answer.absent).toBeUndefined();
    }
  });

  test('is given up at once when nothing may be taken any more: a promotion would wait for it', async () => {
    opening = new Promise(() => undefined);
    const began = performance.now();
    const asked = fetch.fetch(SEGMENT, signal);
    timeline = null;
    expect(await asked).toMatchObject({ status: 503 });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await fetch.fetch(SEGMENT, signal)).toMatchObject({ status: 503 });
  });

  test('what was read ahead goes once nothing may be taken', async () => {
    await put(SEGMENT, 'full');
    await put('000000020000000000000002', 'more');
    await fetch.fetch(SEGMENT, signal);
    await expect.poll(async () => (await spool.listFetched()).size).toBe(2);
    await fetch.look();
    expect((await spool.listFetched()).size).toBe(2);
    timeline = null;
    await fetch.look();
    expect((await spool.listFetched()).size).toBe(0);
  });
});

test('answers come before the local server takes their connection for dead', () => {
  for (const within of [PUSH_ANSWER_WITHIN, FETCH_ANSWER_WITHIN])
    expect(within).toBeLessThan(DEFAULT_LIMITS.idleTimeout - 2_000);
});
