import { type Binaries, findBinaries } from '../../postgres/find-binaries.ts';
import { RestoreError } from './errors.ts';

/** Where Debian and PGDG put every major. */
const PACKAGED = (major: number): string => `/usr/lib/postgresql/${major}/bin`;

/**
 * The installation that a backup is recovered with: of its own major, which alone reads its WAL. `major` null: the
 * backup does not tell, and what is there is tried. Null: there is none.
 */
export async function binariesFor(
  major: number | null,
  directory: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Binaries | null> {
  const places = directory !== null ? [directory] : [...(major === null ? [] : [PACKAGED(major)]), null];
  for (const place of places) {
    const found = await findBinaries(place, environment).catch(() => null);
    if (found !== null && (major === null || found.major === major)) return found;
  }
  return null;
}

/** @throws RestoreError where there are none of that major */
export async function requireBinariesFor(
  major: number | null,
  directory: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Binaries> {
  const found = await binariesFor(major, directory, environment);
  if (found !== null) return found;
  const what = major === null ? 'PostgreSQL' : `PostgreSQL ${major}`;
  throw new RestoreError(
    'RESTORE_BINARIES',
    `${what} is not installed${directory === null ? '' : ` in ${directory}`}, and only it can replay the WAL of this backup`,
    `Install its server package, or name its directory with --bin-directory; or give --no-replay to only unpack here.`,
  );
}
