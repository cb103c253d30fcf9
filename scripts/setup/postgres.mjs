import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { aptInstall, installer, isRoot } from './debian.mjs';
import { withoutMainCluster } from './main-cluster.mjs';
import { say } from './run.mjs';
import { find, isExecutable, searchPath } from './search-path.mjs';
import { SetupError } from './setup-error.mjs';

const OLDEST = 14;
const NEWEST = 18;
const PROGRAMS = ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_controldata'];
const DEBIAN_DIRECTORY = '/usr/lib/postgresql';
const PACKAGE = 'postgresql';

/** Finds a Postgres server of 14 to 18, or installs Debian's. */
export async function ensurePostgres() {
  if (best() === null) {
    const prefix = installer('no Postgres server of 14 to 18 found in PGBIN, PATH or /usr/lib/postgresql', [
      PACKAGE,
    ]);
    say('postgres', `none found: installing Debian's package ${PACKAGE} (apt-get update, apt-get install)`);
    await withoutMainCluster(prefix, () => aptInstall(prefix, [PACKAGE]));
    const found = best();
    if (found === null) {
      throw new SetupError(
        `Debian's package ${PACKAGE} brought no Postgres of ${OLDEST} to ${NEWEST}`,
        `Install one of them, and name its directory in PGBIN.`,
      );
    }
    say('postgres', `installed Postgres ${found.version} in ${found.directory}`);
  }
  checkUser();
}

/** The newest whole server found, or null. PGBIN, where it is set, must be right: it is somebody's word. */
function best() {
  const named = process.env.PGBIN;
  if (named) {
    const found = inspect(named);
    if (found !== null) return found;
    throw new SetupError(
      `PGBIN is ${named}, but there is no Postgres of ${OLDEST} to ${NEWEST} with ${PROGRAMS.join(', ')}`,
      'Correct PGBIN, or unset it to have Postgres looked for (and installed where none is found).',
    );
  }
  const found = new Map();
  for (const directory of candidates()) {
    const server = found.has(directory) ? null : inspect(directory);
    if (server !== null) found.set(directory, server);
  }
  return [...found.values()].sort((a, b) => b.version - a.version)[0] ?? null;
}

function candidates() {
  const inPath = find('postgres', searchPath());
  let debian = [];
  try {
    debian = readdirSync(DEBIAN_DIRECTORY).map((version) => `${DEBIAN_DIRECTORY}/${version}/bin`);
  } catch {
    // No Postgres from Debian's packages.
  }
  return [...(inPath === null ? [] : [dirname(realpathSync(inPath))]), ...debian];
}

function inspect(directory) {
  if (!PROGRAMS.every((program) => isExecutable(`${directory}/${program}`))) return null;
  const { stdout } = spawnSync(`${directory}/postgres`, ['--version'], { encoding: 'utf8' });
  const version = Number(/\b(\d+)(?:\.\d+|devel|beta\d+|rc\d+)/.exec(stdout ?? '')?.[1]);
  return version >= OLDEST && version <= NEWEST ? { directory, version } : null;
}

/** Postgres refuses to run as root; Debian's package makes the user that it runs as then. */
function checkUser() {
  if (!isRoot()) return;
  if (/^postgres:/m.test(readFileSync('/etc/passwd', 'utf8'))) return;
  if (spawnSync('id', ['-u', 'postgres'], { stdio: 'ignore' }).status === 0) return;
  throw new SetupError(
    'Postgres does not run as root, and there is no user postgres to run it as',
    'Make one (useradd --system --home-dir /var/lib/postgresql postgres), or run this as another user than root.',
  );
}
