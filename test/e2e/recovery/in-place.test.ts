import { existsSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveOverview } from '../../../src/archive/catalog/overview.ts';
import { readIdentity } from '../../../src/archive/identity.ts';
import { openStore } from '../../../src/archive/store/open.ts';
import { openDemo } from '../../../src/demo/state.ts';
import { DemoCluster } from '../cluster.ts';
import { waitFor } from '../wait-for.ts';

const signal = AbortSignal.timeout(20 * 60_000);
const MINUTES = { timeoutMillis: 180_000 };

let cluster: DemoCluster;

const rows = async (): Promise<number[]> =>
  (await cluster.query('select id from orders order by id')).map((row) => Number(row.id));

/** A moment between two commits, in the archive with what came after it. */
async function marked(before: string, after: string): Promise<string> {
  await cluster.query(before);
  const [row] = await cluster.query(
    `select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US"+00"') as at from pg_sleep(0.05)`,
  );
  await cluster.query('select pg_sleep(0.05)');
  await cluster.query(after);
  return String(row?.at);
}

/** The archive's tail is a second behind: until then the target is refused. */
async function recover(...args: readonly string[]): Promise<string> {
  return await waitFor(
    'the recovery to be accepted and done',
    async () => {
      const answer = await cluster.tryPgwarden('recover', '--timeout', '170', ...args);
      if (answer.exitCode === 0) return answer.stdout;
      if (/out of reach|cannot be reached|OUT_OF_REACH|reach/i.test(answer.stderr)) return null;
      throw new Error(`recover: ${answer.exitCode} ${answer.stdout} ${answer.stderr}`);
    },
    MINUTES,
  );
}

/** The archive has a commit behind that time. What its tail lacks when a recovery begins, none comes to. */
async function archivedBehind(time: string): Promise<void> {
  await waitFor(
    'the archive to reach on',
    async () => {
      const { stdout } = await cluster.pgwarden('range', '-o', 'json');
      const { intervals } = JSON.parse(stdout) as ArchiveOverview;
      return Date.parse(intervals.at(-1)?.untilTime ?? '') > Date.parse(time);
    },
    MINUTES,
  );
}

/** Where the recovery stands, by any member's word. */
async function standing(): Promise<{ readonly by: string; readonly socketDirectory: string }> {
  const { recovery } = await cluster.cluster('pg-0').catch(() => cluster.cluster('pg-1'));
  if (recovery?.paused == null) throw new Error(`it does not stand: ${JSON.stringify(recovery)}`);
  return { by: recovery.by, socketDirectory: recovery.paused.socketDirectory };
}

/** How many orders there are at the pause, where nothing can be written. */
async function look({ socketDirectory }: { readonly socketDirectory: string }): Promise<number> {
  const client = new pg.Client({ host: socketDirectory, user: 'postgres', database: 'app' });
  await client.connect();
  try {
    await expect(client.query('insert into orders values (9999)')).rejects.toThrow('read-only');
    const { rows: found } = await client.query<{ n: string }>('select count(*) as n from orders');
    return Number(found[0]?.n);
  } finally {
    await client.end();
  }
}

async function keptOf(): Promise<boolean[]> {
  const { members } = await openDemo(cluster.dir);
  return members.map(({ volume }) => existsSync(join(volume, 'member', 'kept.json')));
}

async function identity() {
  const { archive } = await openDemo(cluster.dir).then((demo) => ({
    archive: join(demo.layout.dir, 'archive'),
  }));
  const store = await openStore(`file://${archive}`);
  try {
    return await readIdentity(store, { signal });
  } finally {
    store.close();
  }
}

describe('a cluster whose orders were deleted by mistake', () => {
  beforeAll(async () => {
    cluster = await DemoCluster.start({ archives: true });
    await cluster.query('create table orders (id int primary key)');
    await cluster.pgwarden('backup', '--wait');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('stands still for a look, goes on to just before, on every member, and is confirmed', async () => {
    const before = (await cluster.cluster(await cluster.primary())).epoch;
    const early = await marked(
      'insert into orders select generate_series(1, 40)',
      'insert into orders select generate_series(41, 60)',
    );
    const at = await marked('insert into orders select generate_series(61, 100)', 'delete from orders');
    expect(await rows()).toEqual([]);
    await archivedBehind(at);

    expect(await recover('--pause', '--to-time', early)).toContain('--resume');
    const first = await standing();
    expect(await look(first)).toBe(40);
    // Who dies there stands there again.
    await cluster.kill(first.by, { what: 'agent' });
    const again = await waitFor(
      'it to stand there again',
      async () => {
        const now = await standing().catch(() => null);
        return now !== null && now.socketDirectory !== first.socketDirectory ? now : null;
      },
      MINUTES,
    );
    expect(await look(again)).toBe(40);
    const backwards = await cluster.tryPgwarden('recover', '--resume', '--to-time', '2020-01-01 00:00:00+00');
    expect(backwards.stderr).toContain('not certain');

    expect(await recover('--resume', '--to-time', at)).toContain('--resume');
    expect(await look(await standing())).toBe(100);
    expect(await recover('--resume')).toContain('--confirm');
    await cluster.waitUntilComplete();
    expect((await rows()).length).toBe(100);
    const status = await cluster.cluster(await cluster.primary());
    expect(status.recovery).toMatchObject({ state: 'serving' });
    expect(status.epoch).toBeGreaterThan(before);
    expect(await keptOf()).toEqual([true, true, true]);
    // Work goes on; nothing of it is archived yet, and the archive is still of the life before.
    await cluster.query('insert into orders values (1001)');
    expect((await identity())?.generation).toBe(1);
    const refused = await cluster.tryPgwarden('backup', '-o', 'json');
    expect(refused.stderr).toContain('RECOVERY_UNDER_WAY');
    const second = await cluster.tryPgwarden('recover', '--immediate', '-o', 'json');
    expect(second.stderr).toContain('RECOVERY_UNDER_WAY');

    await cluster.pgwarden('recover', '--confirm');
    await waitFor('what was set aside to go', async () => (await keptOf()).every((kept) => !kept), MINUTES);
    await waitFor(
      'the archive to be of the next life',
      async () => (await identity())?.generation === 2,
      MINUTES,
    );
    expect((await rows()).length).toBe(101);
    await cluster.pgwarden('backup', '--wait');
  });

  test('goes back and then forth again when it is abandoned, with the agents of two members killed', async () => {
    const at = await marked('insert into orders values (2001)', 'insert into orders values (2002)');
    const everything = await rows();
    expect(everything).toContain(2002);
    const primary = await cluster.primary();
    const [standby] = await cluster.standbys();
    const recovering = recover('--to-time', at);
    await waitFor(
      'the members to stop',
      async () => {
        const state = await cluster.cluster(standby!).then(
          ({ recovery }) => recovery?.state ?? null,
          () => null,
        );
        return state !== null;
      },
      MINUTES,
    );
    await cluster.kill(standby!, { what: 'agent' });
    await waitFor(
      'the primary to recover',
      async () => {
        const state = await cluster.cluster(primary).then(
          ({ recovery }) => recovery?.state ?? null,
          () => null,
        );
        return state === 'recovering' || state === 'serving';
      },
      MINUTES,
    );
    await cluster.kill(primary, { what: 'agent' });
    await recovering;
    await cluster.waitUntilComplete();
    expect(await rows()).toContain(2001);
    expect(await rows()).not.toContain(2002);
    await cluster.query('insert into orders values (3001)');

    await cluster.pgwarden('recover', '--abandon', '--timeout', '170');
    await cluster.waitUntilComplete();
    expect(await rows()).toEqual(everything);
    expect((await cluster.cluster(await cluster.primary())).recovery).toBeNull();
    await cluster.query('insert into orders values (4001)');
    await waitFor('nothing to be kept', async () => (await keptOf()).every((kept) => !kept), MINUTES);
    // The life of the recovery was the third: it archived nothing.
    await waitFor(
      'the archive to be of the life after',
      async () => (await identity())?.generation === 4,
      MINUTES,
    );
    await cluster.pgwarden('backup', '--wait');
    const { stdout } = await cluster.pgwarden('verify');
    expect(stdout).not.toContain('problem');
  });

  test('comes back from a pause as if nothing had been', async () => {
    await cluster.query('insert into orders values (5001)');
    const everything = await rows();
    expect(await recover('--pause', '--immediate')).toContain('--resume');
    expect(await look(await standing())).toBeLessThan(everything.length);
    await cluster.pgwarden('recover', '--abandon', '--timeout', '170');
    await cluster.waitUntilComplete();
    expect(await rows()).toEqual(everything);
    expect((await cluster.cluster(await cluster.primary())).recovery).toBeNull();
  });

  test('refuses a target in the future with the range, and touches nothing', async () => {
    const answer = await cluster.tryPgwarden('recover', '--to-time', '2099-01-01 00:00:00+00', '-o', 'json');
    expect(answer.exitCode).not.toBe(0);
    expect(answer.stderr).toContain('future');
    expect((await cluster.cluster(await cluster.primary())).recovery).toBeNull();
    expect(await rows()).toContain(4001);
  });
});
