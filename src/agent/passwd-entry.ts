import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PrivilegesError } from './errors.ts';

const LIBRARY = 'libnss_wrapper.so';
/** Where Debian (by architecture) and other distributions keep libraries. */
const LIBRARY_DIRECTORIES = ['/usr/lib', '/usr/lib64', '/lib'];

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Gives the user of this process a name where it has none: OpenShift runs containers with a uid that is in no
 * /etc/passwd, and `initdb` and `postgres --single` refuse to work without a name. The programs that are started from
 * here then see `name` by nss_wrapper (https://cwrap.org/nss_wrapper.html), from files in `directory`; this process
 * itself needs no name. Does nothing where there is an entry.
 *
 * Throws `PrivilegesError`: the library is not installed, or `directory` cannot be written.
 */
export function ensurePasswdEntry(
  name: string,
  directory: string,
  environment: NodeJS.ProcessEnv = process.env,
  identity: Identity = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
): { readonly made: boolean } {
  const known = readFileSync('/etc/passwd', 'utf8');
  if (hasUid(known, identity.uid)) return { made: false };
  const library = findLibrary();
  if (library === null) {
    throw new PrivilegesError(
      `the user ${identity.uid} has no entry in /etc/passwd, and ${LIBRARY} is not installed`,
      'Install nss_wrapper (Debian: libnss-wrapper), or run the container as a user that the image knows.',
    );
  }
  const passwd = join(directory, 'passwd');
  const group = join(directory, 'group');
  try {
    mkdirSync(directory, { recursive: true });
    const others = known.split('\n').filter((line) => line !== '' && !line.startsWith(`${name}:`));
    const own = `${name}:x:${identity.uid}:${identity.gid}::${directory}:/bin/sh`;
    writeFileSync(passwd, `${[...others, own].join('\n')}\n`, { mode: 0o644 });
    writeFileSync(group, readFileSync('/etc/group', 'utf8'), { mode: 0o644 });
  } catch (cause) {
    throw new PrivilegesError(
      `the user ${identity.uid} has no entry in /etc/passwd, and none can be made in ${directory}: ${(cause as Error).message}`,
      'Mount a volume there that this user may write (an emptyDir).',
      { cause },
    );
  }
  environment.LD_PRELOAD = [library, environment.LD_PRELOAD].filter(Boolean).join(':');
  environment.NSS_WRAPPER_PASSWD = passwd;
  environment.NSS_WRAPPER_GROUP = group;
  environment.USER = name;
  environment.LOGNAME = name;
  environment.HOME = directory;
  return { made: true };
}

function hasUid(passwd: string, uid: number): boolean {
  return passwd.split('\n').some((line) => line.split(':')[2] === String(uid));
}

function findLibrary(): string | null {
  for (const directory of LIBRARY_DIRECTORIES) {
    for (const below of ['', ...directoriesIn(directory)]) {
      const path = join(directory, below, LIBRARY);
      if (existsSync(path)) return path;
    }
  }
  return null;
}

/** Debian's multiarch directories: `x86_64-linux-gnu`, `aarch64-linux-gnu`. */
function directoriesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => name.endsWith('-linux-gnu'));
  } catch {
    return [];
  }
}
