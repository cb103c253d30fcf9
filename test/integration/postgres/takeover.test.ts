import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareLsn } from '../../../src/ha/lsn.ts';
import type { MemberIncarnation } from '../../../src/ha/member.ts';
import { PLACEHOLDER } from '../../../src/postgres/volume/timeline-history.ts';
import { bootstrap, ep, Fixture, joinTo, type Member, soon, sql, tl } from './fixture.ts';

const fixture = new Fixture();
let a: Member;
let b: Member;
let c: Member;
let nameB: MemberIncarnation;
let nameC: MemberIncarnation;

beforeAll(async () => {
  [a, b, c] = [await fixture.member('pg-0'), await fixture.member('pg-1'), await fixture.member('pg-2')];
  await bootstrap(a);
  nameB = await joinTo(b, a);
  nameC = await joinTo(c, a);
  await sql(a, 'create table t (id int primary key, at timestamptz default now())');
  await sql(a, 'insert into t select generate_series(1, 100)');
});
afterAll(() => fixture.end());

describe('synchronous names and the epoch row', () => {
  it('are in effect when the call returns, and the row comes back only when a standby has it', async () => {
    await a.instance.setSynchronousStandbyNames(`ANY 1 ("${nameB}", "${nameC}")`, soon());
    expect((await a.server()).synchronousStandbyNames).toBe(`ANY 1 ("${nameB}", "${nameC}")`);
    const me = (await a.upstream()).identity;
    const row = { epoch: ep(1), primary: me, timeline: tl(1) };
    const { lsn } = await a.instance.writeEpochRow({ ...row, cohort: [nameB, nameC], acks: 1 }, soon());
    const senders = (await a.server()).walsenders;
    expect(senders.some((sender) => compareLsn(sender.flushLsn, lsn) >= 0)).toBe(true);
    expect((await a.server()).lastRow).toEqual({ ...row, settled: false });
    await a.instance.markSettled(row, soon());
    const seen = await b.until('the settled mark', ({ server }) => server?.settledEpoch === 1);
    expect(seen.server?.lastRow).toEqual({ ...row, settled: true });
  });

  it('waits when the quorum is not there, also the second time, and gives up by the signal', async () => {
    await a.instance.setSynchronousStandbyNames('ANY 1 ("nobody")', soon());
    const me = (await a.upstream()).identity;
    const row = { epoch: ep(2), primary: me, timeline: tl(1), cohort: [], acks: 1 };
    for (const _ of [1, 2]) {
      await expect(a.instance.writeEpochRow(row, soon(300))).rejects.toMatchObject({
        code: 'DEADLINE_EXCEEDED',
      });
      await a.until('no commit that waits', ({ server }) => server?.commitsWaiting === 0);
    }
    expect((await a.server()).lastRow?.epoch).toBe(2);
  });

  it('shows commits that wait', async () => {
    const client = await a.client();
    const commit = client.query('insert into t values (1000)').catch(() => undefined);
    await a.until('a commit that waits', ({ server }) => server?.commitsWaiting === 1);
    await a.instance.setSynchronousStandbyNames(`ANY 1 ("${nameB}", "${nameC}")`, soon());
    await commit;
    await client.end();
  });
});

describe('the end of a receiver', () => {
  it('is quick, and the receiver stays gone while the primary writes', async () => {
    const started = performance.now();
    const end = await b.instance.endReceiver(soon());
    const took = performance.now() - started;
    expect(took).toBeLessThan(1_000);
    await a.instance.endReceiver(soon()).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: 'WRONG_STATE' }),
    );
    await sql(a, 'insert into t select generate_series(2000, 2100)');
    const seen = await b.until('the end of its WAL', ({ server }) => server?.atEndOfWal === true);
    expect(seen.server).toMatchObject({ receiver: null, follows: null, flushLsn: end.flushLsn, timeline: 1 });
    expect(end.timeline).toBe(1);
    await b.instance.follow(await a.upstream());
    const lsn = (await a.server()).flushLsn;
    await b.until(
      'having caught up',
      ({ server }) => server !== null && compareLsn(server.flushLsn, lsn) >= 0,
    );
  });

  it('does not depend on a primary that answers', async () => {
    const postmaster = a.instance.process;
    if (postmaster.state === 'stopped') throw new Error('the primary is down');
    const walsenders = (await a.server()).walsenders.map((sender) => sender.pid);
    for (const pid of [postmaster.pid, ...walsenders]) process.kill(pid, 'SIGSTOP');
    try {
      await b.instance.endReceiver(soon(3_000));
    } finally {
      for (const pid of [postmaster.pid, ...walsenders]) process.kill(pid, 'SIGCONT');
    }
    await b.instance.follow(await a.upstream());
    await b.until('streaming', ({ server }) => server?.receiver?.streaming === true);
  });
});

describe('the door', () => {
  it('ends sessions and lets nobody in but the agent and replication, and opens again', async () => {
    const idle = await a.client();
    const ended = new Promise((resolve) => idle.once('end', resolve));
    const busy = await a.client();
    const sleeping = busy.query('select pg_sleep(60)').catch((error: pg.DatabaseError) => error.code);
    await a.instance.closeDoor(soon());
    await ended;
    expect(await sleeping).toBe('57P01');
    expect((await a.server()).doorOpen).toBe(false);
    await expect(a.client()).rejects.toThrow(/no pg_hba.conf entry/);
    await expect(a.client('postgres', 'postgres')).rejects.toThrow(/no pg_hba.conf entry/);
    expect((await a.server()).walsenders.filter((sender) => sender.streaming)).toHaveLength(2);
    await a.instance.openDoor(soon());
    await (await a.client()).end();
  });

  it('also ends a connection that is still authenticating under the old rules', async () => {
    const { createConnection } = await import('node:net');
    const socket = createConnection(a.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    const body = Buffer.from('\0\x03\0\0user\0app\0database\0app\0\0', 'latin1');
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    const asked = new Promise((resolve) => socket.once('data', resolve));
    socket.write(Buffer.concat([length, body]));
    await asked;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await a.instance.closeDoor(soon());
    await closed;
    await a.instance.openDoor(soon());
  });
});

describe('a promotion to a reserved timeline with a gap', () => {
  it('comes out on that number, and the other standby follows over the gap', async () => {
    await a.instance.stop('kill');
    await b.instance.endReceiver(soon());
    await c.instance.endReceiver(soon());
    await b.instance.openDoor(soon());
    const reader = await b.client();
    const ended = new Promise((resolve) => reader.once('end', resolve));
    await b.instance.prepareToPromote(`ANY 1 ("${nameC}")`, soon());
    await ended;
    expect(await b.server()).toMatchObject({
      doorOpen: false,
      receiver: null,
      follows: null,
      synchronousStandbyNames: `ANY 1 ("${nameC}")`,
    });
    await b.instance.promote(tl(5), soon());
    const row = { epoch: ep(3), primary: nameB, timeline: tl(5), cohort: [nameC], acks: 1 };
    const writing = b.instance.writeEpochRow(row, soon());
    await c.instance.follow(await b.upstream());
    await writing;
    expect((await b.server()).timeline).toBe(5);
    const seen = await c.until('timeline 5', ({ server }) => server?.timeline === 5);
    expect(seen.forks.map((fork) => fork.timeline)).toEqual([1]);
    expect(seen.server?.lastRow).toMatchObject({ epoch: 3 });
    expect(
      (await readdir(join(c.volume, 'data', 'pg_wal'))).filter((name) => name.endsWith('.history')).sort(),
    ).toEqual(['00000002.history', '00000003.history', '00000004.history', '00000005.history']);
  });

  it('is refused for a number that is taken', async () => {
    await c.instance.endReceiver(soon());
    await expect(c.instance.promote(tl(5), soon())).rejects.toMatchObject({ code: 'TIMELINE_TAKEN' });
    expect((await c.server()).inRecovery).toBe(true);
    await c.instance.follow(await b.upstream());
  });

  it('leaves directories that start again, on both sides', async () => {
    await b.instance.openDoor(soon());
    await sql(b, 'insert into t select generate_series(3000, 3100)');
    for (const member of [c, b]) await member.instance.stop('fast');
    await b.instance.startStandby(soon());
    const seen = await b.until('the end of its WAL', ({ server }) => server?.atEndOfWal === true);
    expect(seen.server?.timeline).toBe(5);
    await b.instance.promote(tl(8), soon());
    await c.instance.startStandby(soon());
    await c.instance.follow(await b.upstream());
    const over = await c.until('timeline 8', ({ server }) => server?.timeline === 8);
    expect(over.forks.map((fork) => fork.timeline)).toEqual([1, 5]);
  });

  it('that was cut off after the placeholders does not keep the standby from starting', async () => {
    const wal = join(c.volume, 'data', 'pg_wal');
    expect(await readFile(join(wal, '00000002.history'), 'utf8')).toBe(PLACEHOLDER);
    await c.instance.stop('fast');
    await writeFile(join(wal, '00000009.history'), PLACEHOLDER);
    await writeFile(join(wal, '0000000A.history'), PLACEHOLDER);
    await c.instance.startStandby(soon());
    expect(await readdir(wal)).not.toContain('00000009.history');
    await c.instance.follow(await b.upstream());
    await c.until('streaming', ({ server }) => server?.receiver?.streaming === true);
  });

  it('that came to nothing does not hide the real history of a number that it had skipped', async () => {
    await c.instance.endReceiver(soon());
    await writeFile(join(c.volume, 'data', 'pg_wal', '00000009.history'), PLACEHOLDER);
    await b.instance.stop('fast');
    await b.instance.startStandby(soon());
    await b.instance.promote(tl(9), soon());
    await c.instance.follow(await b.upstream());
    await c.until('timeline 9', ({ server }) => server?.timeline === 9);
  });
});
