import { runTool } from './tool.ts';

/** flock's exit code when somebody else holds the lock: none that Postgres or its programs use. */
export const LOCK_HELD_EXIT_CODE = 75;

/**
 * `file args` under the volume's lock. flock replaces itself by the program, which hands the descriptor down to every
 * process that it forks: the lock is free exactly when none of them is left (flock(2)).
 */
export function underLock(
  lock: string,
  file: string,
  args: readonly string[],
): { readonly file: string; readonly arguments: readonly string[] } {
  return {
    file: 'flock',
    // Whoever only asks holds it, shared, for a moment: that is waited for, not taken for a process that is left.
    arguments: ['--no-fork', '-w', '1', '-E', String(LOCK_HELD_EXIT_CODE), lock, file, ...args],
  };
}

/**
 * Whether the lock could be taken just now: no process of this directory is left, in any container. It is asked for
 * shared, so that the guard and the agent, which both ask, never see each other.
 */
export async function isLockFree(lock: string, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await runTool(
    {
      name: 'flock',
      file: 'flock',
      arguments: ['--no-fork', '--shared', '-n', '-E', String(LOCK_HELD_EXIT_CODE), lock, 'true'],
      accept: [0, LOCK_HELD_EXIT_CODE],
    },
    signal,
  );
  return exitCode === 0;
}
