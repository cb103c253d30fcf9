import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { runTool } from '../../postgres/process/tool.ts';
import type { Backup } from '../catalog/backup.ts';
import { WORK_FOLDER } from './directory.ts';
import { HELD_FILES, heldPath, type Places } from './entry-place.ts';

/** From this major on files that no increment touches are linked, which takes neither time nor room. */
const LINKS_FROM = 18;

/** Where one backup of a chain is unpacked, before they are put together: a data directory of its own. */
export function placesInChain(data: string, backup: Backup): Places {
  const place = join(data, WORK_FOLDER, 'chain', backup.id);
  return { data: place, tablespaces: new Map(), held: join(data, WORK_FOLDER, 'held', backup.id) };
}

/**
 * Puts a whole backup and what changed since together, by Postgres's own `pg_combinebackup`, which checks that they
 * follow one another. The result lies beside: `moveCombined` puts it into its place.
 *
 * @throws ToolFailedError
 */
export async function combine(
  data: string,
  chain: readonly Backup[],
  binaries: Binaries,
  signal: AbortSignal,
): Promise<void> {
  const to = combinedIn(data);
  await rm(to, { recursive: true, force: true });
  const link = binaries.major >= LINKS_FROM ? ['--link'] : [];
  await runTool(
    {
      name: 'pg_combinebackup',
      file: join(binaries.directory, 'pg_combinebackup'),
      arguments: [
        ...link,
        '--no-sync',
        '--output',
        to,
        ...chain.map((backup) => placesInChain(data, backup).data),
      ],
    },
    signal,
  );
}

/** Moves what was put together to where a backup is unpacked to; what would let Postgres start is held back. May be repeated. */
export async function moveCombined(places: Places): Promise<void> {
  const from = combinedIn(places.data);
  await mkdir(places.held, { recursive: true, mode: 0o700 });
  for (const file of HELD_FILES) await moveThere(join(from, file), heldPath(places, file));
  for (const name of await readdir(from).catch(() => []))
    await moveThere(join(from, name), join(places.data, name));
  await rm(from, { recursive: true, force: true });
  await rm(join(places.data, WORK_FOLDER, 'chain'), { recursive: true, force: true });
}

function combinedIn(data: string): string {
  return join(data, WORK_FOLDER, 'combined');
}

async function moveThere(from: string, to: string): Promise<void> {
  if ((await stat(from).catch(() => null)) === null) return;
  await rename(from, to);
}
