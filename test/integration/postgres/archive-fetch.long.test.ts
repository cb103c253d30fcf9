import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { compareLsn } from '../../../src/ha/lsn.ts';
import { bootstrap, Fixture, joinTo, type Member, soon, sql } from './fixture.ts';

const FILLED = 12;

describe('a standby whose upstream no longer has the WAL', () => {
  const fixture = new Fixture();
  let archive = '';
  let a: Member;
  let b: Member;

  beforeAll(async () => {
    archive = await mkdtemp(join(tmpdir(), 'pgwarden-it-archive-'));
    const commands = {
      archiveCommand: `test ! -e '${archive}/%f' && cp %p '${archive}/%f' || exit 0`,
      restoreCommand: `cp '${archive}/%f' %p`,
    };
    const parameters = { wal_keep_size: '0', min_wal_size: '2MB', max_wal_size: '2MB' };
    a = await fixture.member('a', { parameters }, commands);
    b = await fixture.member('b', { parameters }, commands);
    await bootstrap(a);
    await joinTo(b, a);
  });
  afterAll(async () => {
    await fixture.end();
    await rm(archive, { recursive: true, force: true });
  });

  const setting = async (name: string) =>
    Object.values((await sql(b, `select current_setting('${name}') as value`))[0] ?? {})[0];

  /** The standby is down while the primary writes, archives and recycles. */
  beforeEach(async () => {
    await b.instance.stop('fast');
    const before = await sql(a, 'select pg_walfile_name(pg_current_wal_insert_lsn()) as file');
    const [{ file }] = before as [{ file: string }];
    // Each fills more than a segment of a mebibyte.
    for (let i = 0; i < FILLED; i++)
      await sql(a, "select pg_logical_emit_message(true, 'fill', repeat('x', 1200000))");
    await expect
      .poll(
        async () => {
          await a.instance.checkpoint(soon());
          return (await readdir(join(a.volume, 'data', 'pg_wal'))).includes(file);
        },
        { timeout: 30_000 },
      )
      .toBe(false);
    await b.instance.startStandby(soon());
    await b.until('an answer', ({ server }) => server !== null);
  });

  const caughtUp = async () => {
    const { flushLsn } = await a.server();
    await b.until(
      'catching up',
      ({ server }) => server?.receiver?.streaming === true && compareLsn(server.replayLsn, flushLsn) >= 0,
      60_000,
    );
  };

  test('takes it from the archive, and then streams again', async () => {
    await b.instance.follow(await a.upstream(), { mayFetch: true });
    await caughtUp();
    expect((await b.instance.observe(1_000 as never)).walRemoved).toBe(false);
    expect(b.log.some((line) => line.includes('wal_from_archive'))).toBe(true);
    // Once it streams, nothing asks the archive any more.
    await b.instance.openDoor(soon());
    expect(await setting('restore_command')).toContain(archive);
    await b.instance.syncSlots([], soon());
    await b.instance.syncSlots([], soon());
    await expect.poll(() => setting('restore_command'), { timeout: 10_000 }).toBe('');
    await caughtUp();
  });

  test('takes nothing from it where it may not: the loss is told at once', async () => {
    await b.instance.follow(await a.upstream());
    const seen = await b.until('the loss', ({ walRemoved }) => walRemoved);
    expect(seen.server?.receiver?.streaming ?? false).toBe(false);
  });

  test('that the archive lacks too is told after it was asked', async () => {
    await rm(archive, { recursive: true });
    await b.instance.follow(await a.upstream(), { mayFetch: true });
    await b.until('the loss', ({ walRemoved }) => walRemoved, 60_000);
    expect(b.log.some((line) => line.includes('wal_from_archive'))).toBe(true);
  });

  test('has no restore_command once it follows nobody', async () => {
    await b.instance.follow(await a.upstream(), { mayFetch: true });
    await b.until('the loss', ({ walRemoved }) => walRemoved, 60_000);
    await b.instance.endReceiver(soon());
    await b.instance.openDoor(soon());
    expect(await setting('restore_command')).toBe('');
  });
});
