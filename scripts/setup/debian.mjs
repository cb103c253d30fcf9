import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { run } from './run.mjs';
import { SetupError } from './setup-error.mjs';

/** apt may be busy with the machine's own updates. */
const LOCK_TIMEOUT_SECONDS = 300;

export function isRoot() {
  return process.getuid?.() === 0;
}

/**
 * How to run a program as root: a prefix of the command line.
 * @throws SetupError on a system without apt-get, or without the right to install.
 */
export function installer(missing, packages) {
  if (!isDebian()) {
    throw new SetupError(
      `${missing}, and this system is not Debian or Ubuntu`,
      `Install what Debian has in the packages ${packages.join(', ')} (Postgres: 14 to 18 with initdb, pg_basebackup and pg_rewind; PGBIN may name its directory), then run the command again.`,
    );
  }
  if (isRoot()) return [];
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return ['sudo', '-n'];
  throw new SetupError(
    `${missing}, and this user may not install it (neither root nor sudo without a password)`,
    `Run this, then the command again:\n  ${manualCommand(packages)}`,
  );
}

/** apt-get update and install, never asking. */
export async function aptInstall(prefix, packages) {
  const remedy = `Run this to see why, then the command again:\n  ${manualCommand(packages)}`;
  const asRoot = (...words) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...words];
    return run(command, rest, { remedy, whole: true });
  };
  const apt = ['apt-get', '-q', '-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`];
  // Ends what an installation that was killed has left undone; apt-get refuses to work before that.
  await asRoot('dpkg', '--configure', '-a');
  await asRoot(...apt, 'update');
  await asRoot(...apt, 'install', '-y', '--no-install-recommends', ...packages);
}

function isDebian() {
  if (!existsSync('/usr/bin/apt-get')) return false;
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function manualCommand(packages) {
  const sudo = isRoot() ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y ${packages.join(' ')}`;
}
