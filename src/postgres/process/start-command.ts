import { join } from 'node:path';
import type { InstanceOptions } from '../ports.ts';
import { standingSettings } from '../settings/standing.ts';
import type { VolumePaths } from '../volume/paths.ts';
import { underLock } from './lock.ts';
import type { PostmasterCommand } from './postmaster.ts';

/**
 * Under the lock nothing of this directory runs, so a postmaster.pid, or a socket's lock file that names this
 * directory, is a dead one's: its pid may belong to anybody in this container, and would keep Postgres from starting.
 */
const CLEAR_AND_EXEC = `
rm -f "$1/postmaster.pid"
if { read -r pid && read -r data; } 2>/dev/null <"$2.lock" && [ "$data" = "$1" ]; then rm -f "$2" "$2.lock"; fi
shift 2
exec "$@"`;

/** How the postmaster is launched. flock and the shell replace themselves: the pid is the postmaster's. */
export function startCommand(options: InstanceOptions, paths: VolumePaths): PostmasterCommand {
  return underLock(paths.lock, '/bin/sh', [
    '-c',
    CLEAR_AND_EXEC,
    'pgwarden-start',
    paths.data,
    join(options.socketDirectory, `.s.PGSQL.${options.port}`),
    join(options.binaries.directory, 'postgres'),
    '-D',
    paths.data,
    ...Object.entries(standingSettings(options, paths)).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]),
  ]);
}
