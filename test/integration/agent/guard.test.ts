import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GuardFixture, isAlive, now, processesIn, until } from './guard-fixture.ts';

const fixture = new GuardFixture();
afterAll(() => fixture.end());

/** Milliseconds from now until none of the processes is left and the lock is free. */
async function timeToDeath(volume: string, pids: readonly number[]): Promise<number> {
  const began = now();
  await until('all dead', () => !pids.some(isAlive));
  const took = now() - began;
  expect(fixture.isLockFree(volume)).toBe(true);
  expect(processesIn(join(volume, 'data'))).toEqual([]);
  return took;
}

/** Postgres with idle sessions and one that computes. */
async function busyPostgres(volume: string, sessions = 3): Promise<number[]> {
  await fixture.postgres(volume);
  for (let session = 0; session < sessions; session++) await fixture.connect(volume);
  const busy = await fixture.connect(volume);
  void busy
    .query('select count(*) from generate_series(1, 1e12) n, generate_series(1, 1000)')
    .catch(() => undefined);
  return processesIn(join(volume, 'data'));
}

const memory = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);

describe('the guard of a real Postgres', () => {
  it('kills everything at once when the agent is killed, a busy backend and 50 sessions included', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume);
    const pids = await busyPostgres(volume, 50);
    expect(pids.length).toBeGreaterThan(55);
    agent.signal('SIGKILL');
    expect(await timeToDeath(volume, pids)).toBeLessThan(1_000);
    await until('the guard has ended', () => !isAlive(agent.guard));
  });

  it('kills an orphan whose postmaster is dead', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume);
    const pids = await busyPostgres(volume);
    const postmaster = Number(readFileSync(join(volume, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(postmaster, 'SIGKILL');
    await until('the postmaster is dead', () => !isAlive(postmaster));
    expect(fixture.isLockFree(volume)).toBe(false);
    agent.signal('SIGKILL');
    expect(await timeToDeath(volume, pids)).toBeLessThan(1_000);
  });

  it('kills processes that are stopped', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume);
    const pids = await busyPostgres(volume);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    agent.signal('SIGKILL');
    expect(await timeToDeath(volume, pids)).toBeLessThan(1_000);
  });

  it('kills when the agent freezes, tells it once it thaws, and guards on', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume, { guardAfter: 1_000 });
    const pids = await busyPostgres(volume);
    agent.signal('SIGSTOP');
    const took = await timeToDeath(volume, pids);
    expect(took).toBeGreaterThan(400);
    expect(took).toBeLessThan(2_000);
    agent.signal('SIGCONT');
    expect(await agent.hears('killed')).toMatchObject({ reason: 'silence', processes: pids.length });
    const again = await busyPostgres(volume);
    agent.signal('SIGKILL');
    await timeToDeath(volume, again);
  });

  it('kills once for a freeze: what somebody starts meanwhile is left alone until the agent is heard again', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume, { guardAfter: 500 });
    agent.signal('SIGSTOP');
    const first = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    await until('dead', () => !isAlive(first.pid!));
    // The guard looks once more, some milliseconds later, before it is sure.
    await until(
      'it is sure',
      (
        (end) => () =>
          now() > end
      )(now() + 300),
    );
    const second = fixture.run(join(volume, 'data'), 'sleep', ['61']);
    await expect(until('dead', () => !isAlive(second.pid!), 1_200)).rejects.toThrow();
    agent.signal('SIGCONT');
    await agent.hears('killed');
    // What was killed lay in the pipe: that it is read does not say yet that a beat was sent.
    agent.order('linger 300');
    await agent.hears('lingered');
    agent.signal('SIGSTOP');
    await until('dead', () => !isAlive(second.pid!));
    agent.signal('SIGKILL');
  });

  it('kills when the deadline passes, and not while it moves on', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume, { guardAfter: 5_000 });
    const pids = await busyPostgres(volume);
    agent.order('deadline 400');
    agent.order('deadline 60000');
    await expect(
      until('killed', () => agent.told.some(({ event }) => event === 'killed'), 1_000),
    ).rejects.toThrow();
    agent.order('deadline 300');
    const took = await timeToDeath(volume, pids);
    expect(took).toBeGreaterThan(200);
    expect(took).toBeLessThan(1_300);
    expect(await agent.hears('killed')).toMatchObject({ reason: 'deadline', processes: pids.length });
  });

  it('keeps to the deadline while the agent is frozen', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume, { guardAfter: 30_000 });
    const { pid } = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    agent.order('deadline 700');
    agent.order('block 60000');
    const began = now();
    await until('dead', () => !isAlive(pid!));
    expect(now() - began).toBeLessThan(2_000);
    agent.signal('SIGKILL');
  });

  it('keeps to a deadline that is still to come after it killed for a freeze', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume, { guardAfter: 500 });
    agent.order('deadline 2500');
    const first = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    agent.signal('SIGSTOP');
    await until('dead', () => !isAlive(first.pid!));
    agent.signal('SIGCONT');
    await agent.hears('killed');
    const second = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    await agent.hears('killed', 2);
    expect(isAlive(second.pid!)).toBe(false);
    expect(agent.told.at(-1)).toMatchObject({ reason: 'deadline' });
    agent.signal('SIGKILL');
  });

  it('leaves Postgres running when it is released, for the next agent to guard', async () => {
    const volume = fixture.postgresVolume();
    const agent = await fixture.agent(volume);
    const pids = await busyPostgres(volume);
    const { guard } = agent;
    agent.order('release');
    await agent.hears('released');
    await until('the guard has ended', () => !isAlive(guard));
    expect(pids.every(isAlive)).toBe(true);
    const next = await fixture.agent(volume);
    expect(next.told[0]?.event).toBe('guarded');
    next.signal('SIGKILL');
    await timeToDeath(volume, pids);
  });
});

describe('what the guard kills', () => {
  it('is what works in the data directory, also after that was renamed or removed', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume);
    const renamed = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    renameSync(join(volume, 'data'), join(volume, 'aside'));
    agent.signal('SIGKILL');
    await until('dead', () => !isAlive(renamed.pid!));

    const other = fixture.volume();
    const second = await fixture.agent(other);
    const removed = fixture.run(join(other, 'data'), 'sleep', ['60']);
    await until('it works there', () => processesIn(join(other, 'data')).length === 1);
    rmSync(join(other, 'data'), { recursive: true });
    second.signal('SIGKILL');
    await until('dead', () => !isAlive(removed.pid!));
  });

  it('is what holds the lock, wherever it works', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume);
    const { pid } = fixture.run('/', 'flock', ['--no-fork', '-n', join(volume, 'lock'), 'sleep', '60']);
    await until('the lock is held', () => !fixture.isLockFree(volume));
    agent.signal('SIGKILL');
    await until('dead', () => !isAlive(pid!));
    expect(fixture.isLockFree(volume)).toBe(true);
  });

  it("is nobody else's, and not a person's shell", async () => {
    const volume = fixture.volume();
    const other = fixture.volume();
    const agent = await fixture.agent(volume);
    const inside = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    const spared = [
      fixture.run(join(other, 'data'), 'sleep', ['60']),
      fixture.run(volume, 'sleep', ['60']),
      fixture.run('/', 'flock', ['--no-fork', '-n', join(other, 'lock'), 'sleep', '60']),
      fixture.run('/', 'script', ['-qec', `cd ${join(volume, 'data')} && exec sleep 60`, '/dev/null']),
    ];
    await until('both work there', () => processesIn(join(volume, 'data')).length === 2);
    const person = processesIn(join(volume, 'data')).find((pid) => pid !== inside.pid);
    agent.signal('SIGKILL');
    await until('the guard has ended', () => !isAlive(inside.pid!) && !isAlive(agent.guard));
    expect(spared.map(({ pid }) => isAlive(pid!))).toEqual([true, true, true, true]);
    expect(isAlive(person!)).toBe(true);
  });
});

describe('the guard as a process', () => {
  it('uses less than 10 MB and next to no processor, and ignores the signals of an end', async () => {
    const agent = await fixture.agent(fixture.volume());
    const pid = agent.guard;
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    const before = ticks();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.kill(pid, signal);
    await expect(until('never', () => !isAlive(pid), 3_000)).rejects.toThrow();
    // One tick is 10 ms: at most 1 % of a core.
    expect(ticks() - before).toBeLessThanOrEqual(3);
    expect(memory(pid)).toBeLessThan(10_240);
    agent.signal('SIGKILL');
  });

  it('is not reached by a signal to the group of the agent, and not less safe from the OOM killer', async () => {
    const agent = await fixture.agent(fixture.volume());
    const session = (pid: number): string =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[3]!;
    expect(session(agent.guard)).toBe(String(agent.guard));
    const score = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));
    expect(score(agent.guard)).toBeLessThanOrEqual(score(agent.child.pid!));
    agent.signal('SIGKILL');
  });

  it('lets only one agent work in a directory, and names it', async () => {
    const volume = fixture.volume();
    const first = await fixture.agent(volume);
    const began = now();
    const second = await fixture.agent(volume, { lockWait: 300 });
    expect(now() - began).toBeGreaterThan(300);
    expect(second.told[0]).toMatchObject({ event: 'refused', code: 'AGENT_TAKEN' });
    expect(second.told[0]?.message).toContain(`process ${first.child.pid} on `);
    first.signal('SIGKILL');
    const third = await fixture.agent(volume);
    expect(third.told[0]?.event).toBe('guarded');
    third.signal('SIGKILL');
  });

  it('is replaced at once when it is killed, and goes on with the deadline', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume);
    const { pid } = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    const first = agent.guard;
    agent.order('deadline 3000');
    process.kill(first, 'SIGKILL');
    const began = now();
    await agent.hears('guarded', 2);
    expect(now() - began).toBeLessThan(1_500);
    expect(agent.told.find(({ event }) => event === 'lost')).toMatchObject({ guarding: false });
    expect(agent.guard).not.toBe(first);
    expect(isAlive(pid!)).toBe(true);
    await agent.hears('killed');
    expect(isAlive(pid!)).toBe(false);
    agent.signal('SIGKILL');
  });

  it('is replaced when it is frozen', async () => {
    const volume = fixture.volume();
    const agent = await fixture.agent(volume);
    const { pid } = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    const first = agent.guard;
    process.kill(first, 'SIGSTOP');
    await agent.hears('guarded', 2, 8_000);
    expect(isAlive(first)).toBe(false);
    expect(isAlive(pid!)).toBe(true);
    agent.signal('SIGKILL');
    await until('dead', () => !isAlive(pid!));
  });

  it('is kept while the agent itself stood still', async () => {
    const agent = await fixture.agent(fixture.volume(), { guardAfter: 20_000 });
    const { guard } = agent;
    agent.order('block 4000');
    await expect(
      until('lost', () => agent.told.some(({ event }) => event === 'lost'), 6_000),
    ).rejects.toThrow();
    expect(isAlive(guard)).toBe(true);
    agent.signal('SIGKILL');
  });
});
