import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootstrap, Fixture, type Member, now, soon, sql } from './fixture.ts';

const fixture = new Fixture();
const WRITERS = 8;
let a: Member;
let watcher: pg.Client;

beforeAll(async () => {
  a = await fixture.member('pg-0');
  await bootstrap(a);
  await sql(a, 'create table t (id int)');
  // A role sees the wait events of its own sessions: those of the writers.
  watcher = await a.client();
}, 120_000);
afterAll(async () => {
  await watcher?.end();
  await fixture.end();
});

/** Sessions that commit all the time, until `stop` is called. */
async function load(): Promise<{ stop(): Promise<void> }> {
  let ended = false;
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => a.client()));
  const done = writers.map(async (client) => {
    while (!ended) await client.query('insert into t values (1)').catch(() => undefined);
    await client.end();
  });
  return {
    stop: async () => {
      ended = true;
      await Promise.all(done);
    },
  };
}

async function flushLsn(): Promise<string> {
  const { rows } = await watcher.query('select pg_current_wal_flush_lsn()::text as lsn');
  return rows[0].lsn;
}

/**
 * Stops a backend in the middle of its fsync of WAL: it holds WALWriteLock then, and nobody else can write WAL out, as
 * with a disk that does not answer. Its pid.
 */
async function freezeTheFlush(): Promise<number> {
  const signal = soon(30_000);
  while (!signal.aborted) {
    const { rows } = await watcher.query(
      "select pid from pg_stat_activity where backend_type = 'client backend' and lower(wait_event) = 'walsync'",
    );
    const pid = rows[0]?.pid;
    if (pid === undefined) continue;
    process.kill(pid, 'SIGSTOP');
    await sleep(200);
    const before = await flushLsn();
    await sleep(300);
    if ((await flushLsn()) === before) return pid;
    process.kill(pid, 'SIGCONT');
  }
  throw new Error('no backend was ever caught in its fsync');
}

describe('commits that wait', () => {
  it('for a local flush that stands still are told as no progress, and as progress once it moves', async () => {
    const writers = await load();
    const frozen = await freezeTheFlush();
    const begun = now();
    try {
      expect((await a.instance.observe(1_000 as never)).silentSince).toBeNull();
      const seen = await a.until('a flush that stands still', ({ silentSince }) => silentSince !== null);
      expect(seen.server).not.toBeNull();
      expect(now() - begun).toBeGreaterThan(5_000);
      expect(now() - (seen.silentSince ?? now())).toBeGreaterThan(5_000);
    } finally {
      process.kill(frozen, 'SIGCONT');
    }
    await a.until('a flush that moves', ({ silentSince }) => silentSince === null);
    await writers.stop();
  });

  it('for a quorum that never comes are no sign of it', async () => {
    await a.instance.setSynchronousStandbyNames('ANY 1 ("nobody")', soon());
    const writers = await load();
    const begun = now();
    try {
      await a.until('commits that wait for the quorum', ({ server, silentSince }) => {
        expect(silentSince).toBeNull();
        return server?.commitsWaiting === WRITERS && now() - begun > 8_000;
      });
    } finally {
      await a.instance.setSynchronousStandbyNames('', soon());
      await writers.stop();
    }
  });
});
