import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { PostgresError } from '../errors.ts';
import { until } from '../wait.ts';
import { isLockFree } from './lock.ts';

const UNSEEN_LOOKS = 25;

/**
 * Every process of the directory: its working directory is PGDATA (each backend is a session of its own, so no
 * process group tells), or it holds the volume's lock file open (a program that runs under it).
 * Processes of other containers are not seen; the lock still tells of them.
 */
export async function processesOf(data: string, lock: string): Promise<number[]> {
  const lockFile = await stat(lock).catch(() => null);
  const directory = await realpath(data).catch(() => data);
  const found = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .map(async (pid) => {
        if (await worksIn(pid, directory)) return Number(pid);
        return lockFile !== null && (await holds(pid, lockFile)) ? Number(pid) : null;
      }),
  );
  return found.filter((pid) => pid !== null);
}

/** Kills (SIGKILL) every process of the directory until the lock is free; rejects if that cannot be reached. */
export async function killAll(data: string, lock: string, signal: AbortSignal): Promise<void> {
  let unseen = 0;
  await until('killing every process of the data directory', 20, signal, async () => {
    const pids = await processesOf(data, lock);
    for (const pid of pids) send(pid, 'SIGKILL');
    if (await isLockFree(lock, signal)) return true;
    // A process can escape one look (forked meanwhile, or already a zombie that has yet to close its files).
    unseen = pids.length > 0 ? 0 : unseen + 1;
    if (unseen < UNSEEN_LOOKS) return null;
    throw new PostgresError(
      'ORPHANS_SURVIVE',
      `${lock} is held by a process that cannot be seen from here: another container uses the volume`,
      'End the other pod or container that mounts this volume; it is tried again by itself.',
    );
  });
}

/** Sends a signal; false where there is no such process any more. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Whether the process's working directory is `data` (a real path), even if that was renamed or removed since. */
export async function worksIn(pid: string | number, data: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null);
  return cwd === data || cwd === `${data} (deleted)`;
}

async function holds(pid: string, file: { readonly dev: number; readonly ino: number }): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const opened = await stat(`/proc/${pid}/fd/${descriptor}`).catch(() => null);
    if (opened !== null && opened.ino === file.ino && opened.dev === file.dev) return true;
  }
  return false;
}
