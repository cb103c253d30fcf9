import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { compareLsn, type Lsn } from '../../../src/ha/lsn.ts';
import type { ReportProgress } from '../../../src/postgres/ports.ts';
import { bootstrap, Fixture, joinTo, type Member, NO_REPORT, soon, sql, tl } from './fixture.ts';

const fixture = new Fixture();
let a: Member;
let b: Member;

afterAll(() => fixture.end());

/** A primary and a standby; then the standby is promoted while the primary writes on: two histories. */
async function diverge(end: 'kill' | 'fast'): Promise<Lsn> {
  await bootstrap(a);
  await joinTo(b, a);
  await sql(a, 'create table t (id int primary key)');
  await sql(a, 'insert into t select generate_series(1, 100)');
  const { flushLsn } = await a.server();
  await b.until('catching up', ({ server }) => server !== null && compareLsn(server.flushLsn, flushLsn) >= 0);
  await b.instance.endReceiver(soon());
  await sql(a, 'insert into t select generate_series(1001, 5000)');
  await a.instance.stop(end);
  await b.instance.setSynchronousStandbyNames('', soon());
  await b.instance.promote(tl(2), soon());
  await b.instance.checkpoint(soon());
  await b.instance.openDoor(soon());
  await sql(b, 'insert into t select generate_series(101, 200)');
  const [fork] = (await b.server()).forks;
  if (fork === undefined) throw new Error('no fork');
  return fork.switchLsn;
}

async function rejoin(): Promise<void> {
  await a.instance.startStandby(soon());
  await a.instance.follow(await b.upstream());
  const { flushLsn } = await b.server();
  await a.until(
    'catching up',
    ({ server }) => server !== null && compareLsn(server.replayLsn, flushLsn) >= 0,
  );
}

const countOf = async (member: Member): Promise<object | undefined> => {
  await member.instance.openDoor(soon());
  return (await sql(member, 'select count(*)::int, max(id) from t'))[0];
};

beforeEach(async () => {
  [a, b] = [await fixture.member('pg-0'), await fixture.member('pg-1')];
});

describe('a diverged ex-primary', () => {
  it('that was killed is recovered, rewound, keeps its identity and the WAL that it loses, and follows', async () => {
    const switchLsn = await diverge('kill');
    const before = await a.instance.observe(1_000 as never);
    expect(before).toMatchObject({ provenDead: true, server: null, control: { state: 'in production' } });
    const told: string[] = [];
    await a.instance.rewind(await b.upstream(), switchLsn, ({ detail }) => told.push(detail), soon());
    expect(told.join()).toMatch(/single-user.*rewinding/);
    expect((await a.instance.observe(1_000 as never)).identity).toBe(before.identity);
    const [saved] = await readdir(join(a.volume, 'diverged'));
    expect(saved).toMatch(/-tl1$/);
    expect((await readdir(join(a.volume, 'diverged', saved ?? ''))).length).toBeGreaterThan(0);
    await rejoin();
    expect(await countOf(a)).toEqual({ count: 200, max: 200 });
    expect((await a.server()).timeline).toBe(2);
  });

  it('that was shut down is rewound too', async () => {
    const switchLsn = await diverge('fast');
    const { control } = await a.instance.observe(1_000 as never);
    expect(compareLsn(control?.shutdownEndLsn as Lsn, switchLsn)).toBeGreaterThan(0);
    await a.instance.rewind(await b.upstream(), switchLsn, NO_REPORT, soon());
    await rejoin();
    expect(await countOf(a)).toEqual({ count: 200, max: 200 });
  });

  it('is whole without its source, however much that wrote during the rewind', async () => {
    const switchLsn = await diverge('kill');
    const client = await b.client();
    const stop = new AbortController();
    const writing = (async () => {
      for (let id = 10_000; !stop.signal.aborted; id += 1) {
        await client.query('insert into t select $1::int', [id]);
      }
    })();
    await a.instance.rewind(await b.upstream(), switchLsn, NO_REPORT, soon());
    stop.abort();
    await writing;
    await client.end();
    await b.instance.stop('kill');
    await a.instance.startStandby(soon());
    expect(await a.server()).toMatchObject({ timeline: 2, inRecovery: true });
  });

  it('whose source cannot be reached stays whole, and is rewound later', async () => {
    const switchLsn = await diverge('fast');
    const nobody = { ...(await b.upstream()), port: 1 };
    await expect(a.instance.rewind(nobody, switchLsn, NO_REPORT, soon())).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
    expect((await a.instance.observe(1_000 as never)).data).toBe('present');
    await a.instance.rewind(await b.upstream(), switchLsn, NO_REPORT, soon());
    await rejoin();
    expect(await countOf(a)).toEqual({ count: 200, max: 200 });
  });

  it('whose rewind was cut off is broken, also for the next agent, does not start, and is cloned', async () => {
    const switchLsn = await diverge('kill');
    const identity = (await a.instance.observe(1_000 as never)).identity;
    const stop = new AbortController();
    const report: ReportProgress = ({ total }) => {
      // Only pg_rewind itself knows how much there is.
      if (total !== null) stop.abort();
    };
    await expect(a.instance.rewind(await b.upstream(), switchLsn, report, stop.signal)).rejects.toMatchObject(
      {
        code: 'CANCELLED',
      },
    );
    expect(await a.instance.observe(1_000 as never)).toMatchObject({ data: 'broken', provenDead: true });
    const next = a.again();
    await next.load();
    await next.clearOrphans({ adopt: false }, soon());
    expect((await next.observe(1_000 as never)).data).toBe('broken');
    await expect(next.startStandby(soon())).rejects.toMatchObject({ code: 'WRONG_STATE' });
    await a.instance.clone(await b.upstream(), NO_REPORT, soon());
    const after = await a.instance.observe(1_000 as never);
    expect(after.data).toBe('present');
    expect(after.identity).not.toBe(identity);
    expect(await readdir(join(a.volume, 'aside'))).toHaveLength(1);
    await rejoin();
    expect(await countOf(a)).toEqual({ count: 200, max: 200 });
  });
});

describe('an ex-primary that was shut down after its standby had everything', () => {
  it('follows without a rewind', async () => {
    await bootstrap(a);
    await joinTo(b, a);
    await a.instance.stop('fast');
    const { control } = await a.instance.observe(1_000 as never);
    const seen = await b.until('the end of its WAL', ({ server }) => server?.atEndOfWal === true);
    expect(seen.server?.flushLsn).toBe(control?.shutdownEndLsn);
    await b.instance.endReceiver(soon());
    await b.instance.setSynchronousStandbyNames('', soon());
    await b.instance.promote(tl(3), soon());
    await rejoin();
    expect((await a.server()).timeline).toBe(3);
  });
});

describe('a clone', () => {
  it('that fails leaves the old directory as it was', async () => {
    await bootstrap(a);
    await a.instance.stop('fast');
    const before = await a.instance.observe(1_000 as never);
    const nobody = { ...(await a.upstream()), port: 1 };
    await expect(a.instance.clone(nobody, NO_REPORT, soon())).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    const after = await a.instance.observe(1_000 as never);
    expect([after.data, after.identity]).toEqual(['present', before.identity]);
    expect(await readdir(a.volume)).not.toContain('incoming');
  });

  it('that was complete, but not yet in place at a crash, is put in place by the next agent', async () => {
    await bootstrap(a);
    await a.instance.stop('fast');
    const before = await a.instance.observe(1_000 as never);
    const { rename } = await import('node:fs/promises');
    // As a crash would leave it after the note and the first of the two renames.
    await rename(join(a.volume, 'data'), join(a.volume, 'incoming'));
    const note = { incarnation: '0a1b2c3d', systemIdentifier: before.systemIdentifier, asideAs: 'old' };
    await writeFile(join(a.volume, 'member', 'install.json'), JSON.stringify(note));
    const next = a.again();
    await next.load();
    await next.clearOrphans({ adopt: false }, soon());
    expect(await next.observe(1_000 as never)).toMatchObject({ data: 'present', identity: 'pg-0-0a1b2c3d' });
    expect(await readdir(join(a.volume, 'member'))).not.toContain('install.json');
  });
});
