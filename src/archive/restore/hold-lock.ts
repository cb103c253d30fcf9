import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LOCK_HELD_EXIT_CODE } from '../../postgres/process/lock.ts';
import { DirectoryError } from './errors.ts';

/**
 * Holds a lock file (flock(2)) until it is disposed of, or this process is gone: `cat` holds it, and ends with its
 * standard input.
 *
 * @throws DirectoryError where another process holds it
 */
export async function holdLock(path: string, what: string): Promise<AsyncDisposable> {
  const child = spawn('flock', ['--no-fork', '-n', '-E', String(LOCK_HELD_EXIT_CODE), path, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  child.stdin.write('locked\n');
  // What it is given comes back once it runs, which is once it has the lock.
  const held = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    closed.then(
      () => false,
      () => false,
    ),
  ]);
  if (!held)
    throw new DirectoryError(
      `another restore works in ${what}`,
      'Wait until it has ended, or end it (Ctrl-C).',
    );
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await closed;
    },
  };
}
