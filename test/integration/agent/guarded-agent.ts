// A minimal agent in a process of its own, so that it can be killed and frozen: the guard of VOLUME, and orders on
// standard input: `deadline MS`, `deadline none`, `block MS`, `linger MS`, `release`. It tells what happens as JSON lines.
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Guard } from '../../../src/agent/guard.ts';
import { dropPrivileges } from '../../../src/agent/privileges.ts';
import { instant, millis } from '../../../src/ha/units.ts';

const [volume = '', guardAfter = '3000', lockWait = '5000', user = ''] = process.argv.slice(2);
const say = (event: string, fields: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const ignore = (): void => undefined;

dropPrivileges(user, volume);
const guard = new Guard({
  volume,
  dataDirectory: join(volume, 'data'),
  guardAfter: millis(Number(guardAfter)),
  lockWait: millis(Number(lockWait)),
  log: {
    debug: ignore,
    info: (fields) => {
      if (fields.event === 'guard.ready') say('guarded', { ...fields, event: 'guarded' });
    },
    warn: ignore,
    error: ignore,
  },
  onKilled: (killed) => say('killed', killed),
  onLost: (why) => say('lost', { why, guarding: guard.isGuarding }),
  onUnguarded: (error) => say('unguarded', { code: error.code }),
});

try {
  await guard.start();
} catch (error) {
  const { code, message, remedy } = error as { code: string; message: string; remedy: string };
  say('refused', { code, message, remedy });
  process.exit(7);
}

for await (const line of createInterface({ input: process.stdin })) {
  const [order, value] = line.split(' ');
  if (order === 'deadline') guard.setDeadline(value === 'none' ? null : instant(now() + Number(value)));
  if (order === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(value));
  // Its timers run as they fall due: beats were sent meanwhile.
  if (order === 'linger') setTimeout(() => say('lingered'), Number(value));
  if (order === 'release') {
    await guard.release();
    say('released');
    process.exit(0);
  }
}
