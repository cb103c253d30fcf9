import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PostgresError } from './errors.ts';
import { requireBinaries } from './volume/directory-check.ts';

/** A PostgreSQL server installation. */
export interface Binaries {
  readonly directory: string;
  readonly major: number;
  /** As `postgres --version` says it, e.g. `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
}

/** The majors that pgwarden runs. */
export const SUPPORTED_MAJORS: readonly number[] = [14, 15, 16, 17, 18];

const run = promisify(execFile);

/** Debian's and PGDG's place for every major. */
const PACKAGED = '/usr/lib/postgresql';

/**
 * The installation to use: the given directory, or that of `PGBIN`; without either the newest supported one of `PATH`
 * and Debian's `/usr/lib/postgresql/<major>/bin`.
 *
 * @throws PostgresError NO_POSTGRES, POSTGRES_UNSUPPORTED
 */
export async function findBinaries(
  directory: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Binaries> {
  const named = directory ?? (environment.PGBIN || null);
  const candidates = named !== null ? [named] : await places(environment);
  const found = (await Promise.all(candidates.map(inspect))).filter((binaries) => binaries !== null);
  const supported = found
    .filter((binaries) => SUPPORTED_MAJORS.includes(binaries.major))
    .sort((a, b) => b.major - a.major);
  const best = supported[0];
  if (best !== undefined) return best;
  const other = found[0];
  if (other !== undefined) {
    throw new PostgresError(
      'POSTGRES_UNSUPPORTED',
      `PostgreSQL ${other.major} in ${other.directory} is not supported`,
      `install one of PostgreSQL ${SUPPORTED_MAJORS.join(', ')}`,
    );
  }
  throw new PostgresError(
    'NO_POSTGRES',
    `no PostgreSQL server was found in ${candidates.join(', ') || 'PATH'}`,
    'install the server package (Debian: postgresql), or set postgres.binDirectory or PGBIN',
  );
}

async function places(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const majors = await readdir(PACKAGED).catch(() => []);
  return [
    ...(environment.PATH ?? '').split(delimiter).filter((entry) => entry !== ''),
    ...majors.map((major) => join(PACKAGED, major, 'bin')),
  ];
}

async function inspect(place: string): Promise<Binaries | null> {
  try {
    // Where PATH has links to some of the programs, the others lie beside what the links point to.
    const postgres = await realpath(join(place, 'postgres'));
    const directory = dirname(postgres);
    await requireBinaries(directory);
    const { stdout } = await run(postgres, ['--version']);
    const match = /\(PostgreSQL\) (\d+)(.*)/.exec(stdout);
    return match ? { directory, major: Number(match[1]), version: `${match[1]}${match[2]}`.trim() } : null;
  } catch {
    // Not there, not whole, or not to be run: the next place.
    return null;
  }
}
