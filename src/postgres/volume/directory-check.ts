import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, PostgresError } from '../errors.ts';
import type { InstanceOptions } from '../ports.ts';
import type { VolumePaths } from './paths.ts';

/** What lies under `data`. */
export type DataPresence = 'absent' | 'present' | 'partial';

const NEEDED = ['postgres', 'initdb', 'pg_basebackup', 'pg_rewind', 'pg_controldata', 'pg_waldump'];

/** Rejects when a program that the agent needs is missing. */
export async function requireBinaries(directory: string): Promise<void> {
  for (const name of NEEDED) {
    try {
      await access(join(directory, name), constants.X_OK);
    } catch (cause) {
      throw new PostgresError(
        'BINARIES_MISSING',
        `${join(directory, name)} is missing or cannot be run`,
        'Install the whole PostgreSQL server package, or set the directory of the binaries.',
        { cause },
      );
    }
  }
}

/** Looks at `data` without changing it; rejects when it is not ours to run: another owner, or major version. */
export async function checkDataDirectory(
  options: InstanceOptions,
  paths: VolumePaths,
): Promise<DataPresence> {
  const info = await stat(paths.data).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (info === null) return 'absent';
  const uid = process.getuid?.();
  if (uid !== undefined && info.uid !== uid) {
    throw new PostgresError(
      'DATA_OWNER',
      `${paths.data} belongs to uid ${info.uid}, and the agent runs as uid ${uid}`,
      'Run the agent as the owner of the directory, or give it the directory (chown -R).',
    );
  }
  const version = await readFile(join(paths.data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  const control = await stat(join(paths.data, 'global', 'pg_control')).catch(() => null);
  if (version === null && control === null && (await isEmpty(paths.data))) return 'absent';
  if (version !== null && Number(version.trim()) !== options.binaries.major) {
    throw new PostgresError(
      'DATA_MAJOR_MISMATCH',
      `${paths.data} is of PostgreSQL ${version.trim()}, and the binaries are of ${options.binaries.major}`,
      'Use the image of that major version, or upgrade the data first.',
    );
  }
  return version === null || control === null ? 'partial' : 'present';
}

/** Whether nothing is in it, or it is gone since: a clone that needs the room removes it while this looks. */
async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}
