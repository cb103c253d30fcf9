import { chownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { AgentError } from './errors.ts';

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * Run as root, the agent becomes `user` for good, before it does anything: Postgres refuses to run as root, and what
 * the agent writes must be Postgres's to change. A volume that root made for it is handed over. Nothing happens where
 * it is not root.
 *
 * @throws AgentError NO_SUCH_USER
 */
export function dropPrivileges(user: string, volume: string): void {
  if (process.getuid?.() !== 0) return;
  const account = find(user);
  mkdirSync(volume, { recursive: true, mode: 0o700 });
  if (lstatSync(volume).uid === 0) chownSync(volume, account.uid, account.gid);
  // Missing in Node's types: all of the user's groups, e.g. ssl-cert.
  (process as { initgroups?: (user: string, group: number) => void }).initgroups?.(user, account.gid);
  process.setgid?.(account.gid);
  process.setuid?.(account.uid);
  process.umask(0o077);
  process.env.HOME = account.home;
  process.env.USER = user;
  process.env.LOGNAME = user;
  process.chdir('/');
}

function find(user: string): Account {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid, , home] = line.split(':');
    if (name === user && uid !== undefined && gid !== undefined) {
      return { uid: Number(uid), gid: Number(gid), home: home || '/' };
    }
  }
  throw new AgentError(
    'NO_SUCH_USER',
    `there is no user ${user} to run Postgres as (Postgres refuses to run as root)`,
    'create it, or name another with postgres.user',
  );
}
