import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { PrivilegesError } from './errors.ts';

const OOM_SCORE = '/proc/self/oom_score_adj';
/** What mkfs leaves in the root of a new volume. */
const OF_THE_FILE_SYSTEM = new Set(['lost+found']);

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * Becomes the user that Postgres runs as (Postgres refuses to run as root), for the whole process and for good, and
 * sets HOME, USER, LOGNAME and umask 077. A volume that is missing, or empty and root's, is given to the user first. Does
 * nothing where the process is not root's.
 *
 * Throws `PrivilegesError`: the user does not exist or is root, or may not work in the volume.
 */
export function dropPrivileges(user: string, volume: string): { readonly dropped: boolean } {
  if (process.getuid?.() !== 0) return { dropped: false };
  const target = lookUp(user);
  giveVolume(target, volume);
  const restoreOomScore = lowerOomScoreForever();
  become(target, volume);
  restoreOomScore();
  process.env.HOME = target.home;
  process.env.USER = target.name;
  process.env.LOGNAME = target.name;
  process.umask(0o077);
  mustBeAccessible(volume, target);
  return { dropped: true };
}

function lookUp(name: string): User {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid, , home] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined || name === '') {
    throw new PrivilegesError(
      `there is no user ${JSON.stringify(name)} in /etc/passwd to run Postgres as`,
      'Install the PostgreSQL server package, which makes the user postgres, or name an existing one as postgres.user; or start pgwarden as that user.',
    );
  }
  if (Number(uid) === 0) {
    throw new PrivilegesError(
      `Postgres refuses to run as ${name}: that is root`,
      'Name an unprivileged user as postgres.user.',
    );
  }
  return { name, uid: Number(uid), gid: Number(gid), home: home === undefined || home === '' ? '/' : home };
}

/** The kubelet, a container runtime and `mkdir` by root make directories that are root's. */
function giveVolume(target: User, volume: string): void {
  try {
    mkdirSync(volume, { recursive: true });
    if (statSync(volume).uid !== 0 || readdirSync(volume).some((name) => !OF_THE_FILE_SYSTEM.has(name)))
      return;
    chownSync(volume, target.uid, target.gid);
    chmodSync(volume, 0o700);
  } catch (cause) {
    throw new PrivilegesError(
      `the volume ${volume} cannot be given to ${target.name}: ${messageOf(cause)}`,
      `Mount or make it first, owned by ${target.name} or empty.`,
      { cause },
    );
  }
}

/**
 * The user's own groups, and the group of the volume where this process has it: a pod's `fsGroup` is in no
 * /etc/group, and is often all that opens the volume. No other group of root's is kept.
 */
function become(target: User, volume: string): void {
  const volumeGroup = statSync(volume).gid;
  const keep = volumeGroup !== 0 && process.getgroups?.().includes(volumeGroup) ? [volumeGroup] : [];
  try {
    process.setgroups?.([...new Set([target.gid, ...groupsOf(target.name), ...keep])]);
    process.setgid?.(target.gid);
    process.setuid?.(target.uid);
  } catch (cause) {
    throw new PrivilegesError(
      `this process is root but may not become ${target.name}: ${messageOf(cause)}`,
      `Give the container the capabilities SETUID and SETGID, or start it as ${target.name} (runAsUser: ${target.uid}).`,
      { cause },
    );
  }
}

/** The groups whose line in /etc/group names the user. */
function groupsOf(name: string): number[] {
  return readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , , members]) => members?.split(',').includes(name))
    .map(([, , gid]) => Number(gid));
}

/**
 * A process may lower its score only as far as one with CAP_SYS_RESOURCE once did (proc_pid_oom_score_adj(5)): so
 * root does it once, that the guard may do it later. The agent itself gets its old score back; the file is opened now,
 * since /proc/self is root's after a change of user. Best effort: a container usually lacks the capability.
 */
function lowerOomScoreForever(): () => void {
  let file: number;
  const before = readFileSync(OOM_SCORE, 'utf8');
  try {
    file = openSync(OOM_SCORE, 'w');
  } catch {
    return () => undefined;
  }
  const write = (score: string): void => {
    try {
      writeSync(file, score);
    } catch {
      // Not permitted: the score stays as it is.
    }
  };
  write('-1000');
  return () => {
    write(before);
    closeSync(file);
  };
}

function mustBeAccessible(volume: string, target: User): void {
  try {
    accessSync(volume, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new PrivilegesError(
      `${target.name} may not work in the volume ${volume}: ${messageOf(cause)}`,
      `Give it to the user (chown -R ${target.name} ${volume}), see that the directories above it may be entered, or set fsGroup in the pod's securityContext.`,
      { cause },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
