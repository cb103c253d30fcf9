import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareLsn, type Lsn } from '../../../src/ha/lsn.ts';
import { millis } from '../../../src/ha/units.ts';
import { processesOf } from '../../../src/postgres/process/orphans.ts';
import { bootstrap, Fixture, joinTo, type Member, NO_REPORT, soon, sql } from './fixture.ts';
import { expectNothingWritten } from './written.ts';

const fixture = new Fixture();
let a: Member;
let b: Member;
const second = millis(1_000);

beforeAll(async () => {
  [a, b] = [await fixture.member('pg-0'), await fixture.member('pg-1')];
  await bootstrap(a);
  await joinTo(b, a);
});
afterAll(() => fixture.end());

const pidOf = (member: Member): number => {
  const { process: state } = member.instance;
  if (state.state === 'stopped') throw new Error(`${member.name} is down`);
  return state.pid;
};
const filesOf = (member: Member) => [join(member.volume, 'data'), join(member.volume, 'lock')] as const;

/** A session that the door's closing ended may go between the look and the signal. */
function freeze(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGSTOP');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

describe('a primary and a standby', () => {
  it('show who they are and what they do', async () => {
    const primary = await a.instance.observe(second);
    expect(primary.server).toMatchObject({ inRecovery: false, prepared: true, doorOpen: true, timeline: 1 });
    expect(primary).toMatchObject({ data: 'present', provenDead: false, silentSince: null, control: null });
    const standby = await b.instance.observe(second);
    expect(standby.server).toMatchObject({
      inRecovery: true,
      doorOpen: false,
      follows: primary.identity,
      synchronousStandbyNames: 'ANY 1 ("nobody")',
    });
    expect(primary.server?.walsenders.map((sender) => sender.identity)).toEqual([standby.identity]);
    expect(await sql(a, 'select * from greeting')).toEqual([{ hello: 1 }]);
  });

  it('are heard, by the standby from messages and by the primary from replies, while idle', async () => {
    const first = await b.until('a message', ({ server }) => (server?.receiver?.heardAt ?? 0) > 0);
    await b.until('a later one', ({ server }) => {
      const heardAt = server?.receiver?.heardAt ?? 0;
      return heardAt > (first.server?.receiver?.heardAt ?? 0);
    });
    const told = (await a.server()).walsenders[0]?.repliedAt ?? 0;
    await a.until('a later reply', ({ server }) => (server?.walsenders[0]?.repliedAt ?? 0) > told);
  });

  it('prepare again without writing WAL', async () => {
    await a.instance.checkpoint(soon());
    await expectNothingWritten(a, () => a.instance.prepare(soon()));
  });

  it('give figures', async () => {
    const sample = await a.instance.sample(soon());
    expect(sample).toMatchObject({ connectionsMax: 100, preparedTransactions: 0, commitsWaitingForSync: 0 });
    expect(sample.walDirectoryBytes).toBeGreaterThan(0);
    expect(sample.volumeFreeBytes).toBeGreaterThan(0);
    expect(sample.transactionIdAge).toBeGreaterThan(0);
    expect((await b.instance.sample(soon())).databaseBytes).toBeGreaterThan(0);
  });
});

describe('a second agent on the directory', () => {
  it('cannot start Postgres', async () => {
    const other = b.again();
    await other.load();
    expect((await other.observe(second)).provenDead).toBe(false);
    await expect(other.startStandby(soon())).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE' });
    await other.close();
    expect((await b.server()).receiver?.streaming).toBe(true);
  });

  it('takes over the Postgres of the one that died, and sees its end', async () => {
    const names = 'ANY 1 ("somebody")';
    await b.instance.setSynchronousStandbyNames(names, soon());
    const heir = b.again();
    await heir.load();
    expect(await heir.clearOrphans({ adopt: true }, soon())).toEqual({ adopted: true });
    expect(heir.process).toMatchObject({ state: 'running', pid: pidOf(b) });
    const seen = await heir.observe(second);
    expect(seen.server).toMatchObject({ inRecovery: true, doorOpen: true, doorInDoubt: false });
    await heir.closeDoor(soon());
    // Its first change leaves alone what the one before had set.
    expect((await heir.observe(second)).server).toMatchObject({
      doorOpen: false,
      doorInDoubt: false,
      synchronousStandbyNames: names,
    });
    await heir.stop('fast');
    expect(heir.process.state).toBe('stopped');
    await heir.close();
    await b.instance.startStandby(soon());
    await b.instance.follow(await a.upstream());
    await b.until('streaming', ({ server }) => server?.receiver?.streaming === true);
  });
});

describe('a Postgres that does not answer', () => {
  it('is seen as silent within the deadline, and answers again', async () => {
    const pids = await processesOf(...filesOf(b));
    freeze(pids);
    const started = performance.now();
    const seen = await b.instance.observe(millis(300));
    // By its deadline, and not by the bounds of what it waits for otherwise, which begin at five seconds.
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(seen.server).toBeNull();
    expect(seen.silentSince).toBeGreaterThanOrEqual(started);
    const later = await b.instance.observe(millis(50));
    expect(later.silentSince).toBe(seen.silentSince);
    for (const pid of await processesOf(...filesOf(b))) process.kill(pid, 'SIGCONT');
    const back = await b.until('an answer', ({ server }) => server !== null);
    expect(back.silentSince).toBeNull();
  });

  it('shows by new connections that only the postmaster hangs', async () => {
    await b.until('a connection', ({ lastConnectAt }) => lastConnectAt !== null);
    process.kill(pidOf(b), 'SIGSTOP');
    const at = performance.now();
    try {
      expect((await b.instance.observe(second)).server).not.toBeNull();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect((await b.instance.observe(second)).lastConnectAt).toBeLessThan(at);
    } finally {
      process.kill(pidOf(b), 'SIGCONT');
    }
  });

  it('has its door in doubt once a move of it was cut off, until another comes to its end', async () => {
    await b.instance.openDoor(soon());
    expect((await b.server()).doorInDoubt).toBe(false);
    process.kill(pidOf(b), 'SIGSTOP');
    try {
      await expect(b.instance.closeDoor(AbortSignal.timeout(300))).rejects.toThrow();
    } finally {
      process.kill(pidOf(b), 'SIGCONT');
    }
    // The postmaster reads the closed door now: nobody would come in, and it is not known.
    expect(await b.server()).toMatchObject({ doorOpen: true, doorInDoubt: true });
    await b.instance.closeDoor(soon());
    expect(await b.server()).toMatchObject({ doorOpen: false, doorInDoubt: false });
  });

  it('is killed when it is to stop, and proven dead', async () => {
    const pids = await processesOf(...filesOf(b));
    freeze(pids);
    await b.instance.stop('kill');
    expect(await b.instance.observe(second)).toMatchObject({
      provenDead: true,
      process: { state: 'stopped' },
    });
    expect(await processesOf(...filesOf(b))).toEqual([]);
    await b.instance.startStandby(soon());
    await b.instance.follow(await a.upstream());
  });
});

describe('an orphan', () => {
  it('that outlives its postmaster keeps the proof of death away until it is killed', async () => {
    const client = await a.client();
    client.query('do $$ begin loop end loop; end $$').catch(() => undefined);
    await a.until('a busy backend', () =>
      execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(' DO'),
    );
    process.kill(pidOf(a), 'SIGKILL');
    await a.until('the end of the postmaster', (seen) => seen.process.state === 'stopped');
    expect((await a.instance.observe(second)).provenDead).toBe(false);
    await expect(a.instance.startStandby(soon())).rejects.toMatchObject({ code: 'DIRECTORY_IN_USE' });
    await a.instance.clearOrphans({ adopt: false }, soon());
    await a.until('the proof', (seen) => seen.provenDead);
    await a.instance.startStandby(soon());
    await a.until('the end of its WAL', ({ server }) => server?.atEndOfWal === true);
  });
});

describe('a shutdown', () => {
  it('tells where its checkpoint ends: where a standby that has it all stands', async () => {
    await b.instance.stop('fast');
    await a.instance.stop('fast');
    await a.instance.startPrimary('', soon());
    await b.instance.startStandby(soon());
    await b.instance.follow(await a.upstream());
    await b.until('streaming', ({ server }) => server?.receiver?.streaming === true);
    await a.instance.stop('fast');
    // Segments that Postgres made ahead hold nothing yet.
    const ahead = Array.from({ length: 9 }, (_, n) =>
      join(a.volume, 'data', 'pg_wal', `0000000100000000000000E${n}`),
    );
    for (const path of ahead) await writeFile(path, Buffer.alloc(1024 * 1024), { mode: 0o600 });
    const { control, provenDead } = await a.instance.observe(second);
    for (const path of ahead) await rm(path);
    expect([control?.state, provenDead]).toEqual(['shut down', true]);
    const end = control?.shutdownEndLsn as Lsn;
    const seen = await b.until(
      'the checkpoint',
      ({ server }) => server !== null && compareLsn(server.flushLsn, end) >= 0,
    );
    expect(seen.server?.flushLsn).toBe(end);
  });

  it('that takes too long becomes harder by itself', async () => {
    await a.instance.startPrimary('', soon());
    await a.instance.openDoor(soon());
    const client = await a.client();
    await client.query('begin');
    const pids = await processesOf(...filesOf(a));
    const backends = pids.filter((pid) => pid !== pidOf(a));
    for (const pid of backends) process.kill(pid, 'SIGSTOP');
    await a.instance.stop('immediate');
    expect((await a.instance.observe(second)).provenDead).toBe(true);
  });
});

describe('a volume that is not fit', () => {
  it('with data of another major version is refused and left alone', async () => {
    await b.instance.stop('fast');
    const file = join(b.volume, 'data', 'PG_VERSION');
    const version = await readFile(file, 'utf8');
    await writeFile(file, '9\n');
    await expect(b.again().load()).rejects.toMatchObject({ code: 'DATA_MAJOR_MISMATCH' });
    await writeFile(file, version);
  });

  it('with data that pgwarden did not make is refused and left alone', async () => {
    const facts = join(b.volume, 'member', 'identity.json');
    const identity = await readFile(facts, 'utf8');
    await rm(facts);
    await expect(b.again().load()).rejects.toMatchObject({ code: 'DATA_UNKNOWN' });
    await writeFile(facts, identity.replace(/"systemIdentifier":"\d+"/, '"systemIdentifier":"1"'));
    await expect(b.again().load()).rejects.toMatchObject({ code: 'SYSTEM_IDENTIFIER_CHANGED' });
    await writeFile(facts, '{');
    await expect(b.again().load()).rejects.toMatchObject({ code: 'FACTS_CORRUPT' });
    await writeFile(facts, identity);
    await b.again().load();
  });

  it('with unknown files is not initialised', async () => {
    const c = await fixture.member('pg-2');
    await c.instance.load();
    await mkdir(join(c.volume, 'data'));
    await writeFile(join(c.volume, 'data', 'precious'), '');
    await expect(c.instance.initialize(NO_REPORT, soon())).rejects.toMatchObject({ code: 'DATA_NOT_EMPTY' });
  });

  it('that cannot be written is named', async () => {
    const c = await fixture.member('pg-3');
    await chmod(c.volume, 0o500);
    await expect(c.instance.load()).rejects.toMatchObject({ code: 'VOLUME_NOT_WRITABLE' });
    await chmod(c.volume, 0o700);
  });

  it('without the binaries is named', async () => {
    const c = await fixture.member('pg-4', {}, { binaries: { directory: '/nonexistent', major: 15 } });
    await expect(c.instance.load()).rejects.toMatchObject({ code: 'BINARIES_MISSING' });
  });
});
