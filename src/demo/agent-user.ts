import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { DirectoryOutOfReachError, NoUnprivilegedUserError } from './errors.ts';

/** As whom the agents, the API and Postgres run. */
export interface AgentUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Debian's packages make this user; it is also the default of the setting `postgres.user`. */
const NAME = 'postgres';

/** The user to give root up for; null where the demo is not started by root. Throws NoUnprivilegedUserError. */
export async function agentUser(): Promise<AgentUser | null> {
  if (process.getuid?.() !== 0) return null;
  try {
    const { stdout } = await promisify(execFile)('getent', ['passwd', NAME]);
    const [, , uid, gid] = stdout.trim().split(':');
    return { name: NAME, uid: Number(uid), gid: Number(gid) };
  } catch {
    throw new NoUnprivilegedUserError(NAME);
  }
}

/** Gives root up for good. */
export function becomeUser(user: AgentUser): void {
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}

/** Throws DirectoryOutOfReachError where an existing directory on the way to `dir` keeps the user out. */
export async function requireReachable(dir: string, user: AgentUser): Promise<void> {
  for (let current = dir; ; current = dirname(current)) {
    const found = await stat(current).catch(() => null);
    if (found !== null) {
      const bits = found.uid === user.uid ? 0o100 : found.gid === user.gid ? 0o010 : 0o001;
      if ((found.mode & bits) === 0) throw new DirectoryOutOfReachError(dir, current, user.name);
    }
    if (current === dirname(current)) return;
  }
}
