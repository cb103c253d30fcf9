import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Guard } from '../../../src/agent/guard.ts';
import type { GuardMessage } from '../../../src/agent/guard-message.ts';
import { GuardProcess } from '../../../src/agent/guard-process.ts';
import { instant, millis } from '../../../src/ha/units.ts';
import { GuardFixture, isAlive, now, until } from './guard-fixture.ts';

const fixture = new GuardFixture();
afterAll(() => fixture.end());

const open: GuardProcess[] = [];
afterEach(() => {
  for (const guard of open.splice(0)) guard.kill();
});

/** A guard without an agent: the test speaks to it. */
async function launch(volume: string, guardAfter: number) {
  const messages: GuardMessage[] = [];
  const ends: string[] = [];
  const guard = GuardProcess.launch(
    {
      perl: 'perl',
      volume: realpathSync(volume),
      dataDirectory: join(realpathSync(volume), 'data'),
      guardAfter: millis(guardAfter),
      lockWait: millis(1_000),
    },
    { message: (message) => messages.push(message), ended: (why) => ends.push(why) },
  );
  open.push(guard);
  await until('ready', () => messages.find(({ kind }) => kind === 'ready'));
  return { guard, messages, ends };
}

describe('the guard process', () => {
  it("reads the agent's clock", async () => {
    const before = now();
    const { messages } = await launch(fixture.volume(), 5_000);
    const ready = messages[0] as { readonly at: number };
    expect(ready.at).toBeGreaterThan(before);
    expect(ready.at).toBeLessThanOrEqual(now());
  });

  it('takes beats for what they prove: that the agent lived when they were sent', async () => {
    const volume = fixture.volume();
    const { guard, messages } = await launch(volume, 600);
    const { pid } = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    const fresh = setInterval(() => guard.send(`beat ${now()}`), 100);
    await expect(until('dead', () => !isAlive(pid!), 1_500)).rejects.toThrow();
    clearInterval(fresh);
    // As lay in the pipe of an agent that froze: sent long ago, read now.
    const stale = setInterval(() => guard.send(`beat ${now() - 5_000}`), 100);
    await until('dead', () => !isAlive(pid!), 1_500);
    await until('told', () => messages.find(({ kind }) => kind === 'killed'));
    // Still stale: nothing arms it again.
    const second = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    await expect(until('dead', () => !isAlive(second.pid!), 1_200)).rejects.toThrow();
    clearInterval(stale);
  });

  it('does not trust a beat from the future', async () => {
    const volume = fixture.volume();
    const { guard, messages } = await launch(volume, 300);
    guard.send(`beat ${now() + 60_000}`);
    const killed = await until('told', () => messages.find(({ kind }) => kind === 'killed'));
    expect(killed).toMatchObject({ reason: 'silence' });
  });

  it('gives the agent its time anew after it stood still itself, but not past the deadline', async () => {
    const volume = fixture.volume();
    const { guard } = await launch(volume, 600);
    const { pid } = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    const pause = async (ms: number): Promise<void> => {
      process.kill(guard.pid!, 'SIGSTOP');
      await until(
        'the pause',
        (
          (end) => () =>
            now() > end
        )(now() + ms),
      );
      process.kill(guard.pid!, 'SIGCONT');
    };
    await pause(1_600);
    guard.send('deadline none');
    const thawed = now();
    await until('dead', () => !isAlive(pid!));
    expect(now() - thawed).toBeGreaterThan(400);

    const next = fixture.run(join(volume, 'data'), 'sleep', ['60']);
    guard.send(`beat ${now()}`);
    guard.send(`deadline ${now() + 300}`);
    await pause(1_600);
    await until('dead', () => !isAlive(next.pid!), 300);
  });

  it('passes over lines that it does not know, and lines in pieces', async () => {
    const { guard, messages, ends } = await launch(fixture.volume(), 5_000);
    for (const line of ['', 'beat', 'beat x', 'deadline soon', 'kill 1', 'x'.repeat(3_000)]) guard.send(line);
    guard.send(`beat ${now()}\nbeat ${now()}`);
    await until('an answer', () => messages.find(({ kind }) => kind === 'pong'));
    expect(ends).toEqual([]);
  });

  it('says so when it cannot start', async () => {
    const volume = fixture.volume();
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const options = { volume, dataDirectory: join(volume, 'data'), guardAfter: millis(1_000), log };
    const start = (change: object) => new Guard({ ...options, ...change }).start();
    await expect(start({ perl: 'no-such-perl' })).rejects.toMatchObject({ code: 'GUARD_UNAVAILABLE' });
    await expect(start({ perl: 'false' })).rejects.toThrow(/exited with code 1/);
    await expect(start({ volume: join(volume, 'none') })).rejects.toThrow(/cannot be reached/);
    await expect(start({ now: () => instant(performance.now() - 1e6) })).rejects.toThrow(/another clock/);
    const called = new Guard(options).start(AbortSignal.abort());
    await expect(called).rejects.toThrow(/called off/);
  });
});
