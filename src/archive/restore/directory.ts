import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../postgres/errors.ts';
import { writeDurably } from '../../postgres/volume/durable.ts';
import { DirectoryError, TablespaceError } from './errors.ts';
import type { TablespacePlaces } from './tablespaces.ts';
import type { RestoreTarget } from './target.ts';

/** Below the data directory while a restore is not done: its notes, and what would make Postgres start. */
export const WORK_FOLDER = 'pgwarden-restore';
/** In the work folder: held by the run that works there. */
export const LOCK = 'restoring';
const NOTE = 'restore.json';
const README = 'INCOMPLETE';

/** What a restore notes of itself, so that the next run knows what is there. */
export interface RestoreNote {
  readonly format: 1;
  /** Source, backup and timeline: a run with another plan starts over. */
  readonly plan: string;
  /** Replay has not passed this one. */
  readonly target: RestoreTarget;
  readonly backup: string;
  readonly phase: 'unpacking' | 'recovering';
  /** Keys of parts that are unpacked, and on the disk. */
  readonly parts: readonly string[];
  /** Of a backup of what changed: it is put together with those before it, and on the disk. */
  readonly combined?: boolean;
  /** Directories of tablespaces that it filled. */
  readonly tablespaces: readonly string[];
}

/** What is in a directory that a restore is to go into. */
export type Found =
  | { readonly kind: 'free' }
  /** Begun by a run that did not end. */
  | { readonly kind: 'begun'; readonly note: RestoreNote | null }
  | { readonly kind: 'taken'; readonly names: readonly string[] };

export async function lookInto(data: string): Promise<Found> {
  const names = (await namesIn(data)).filter((name) => name !== 'lost+found');
  if (names.length === 0) return { kind: 'free' };
  if (names.includes(WORK_FOLDER)) return { kind: 'begun', note: await readNote(data) };
  return { kind: 'taken', names };
}

/** @throws DirectoryError where the directory holds anything that no restore left */
export function requireFree(data: string, found: Found): void {
  if (found.kind !== 'taken') return;
  const some = found.names.slice(0, 3).join(', ');
  throw new DirectoryError(
    `${data} is not empty (${some}${found.names.length > 3 ? ', …' : ''})`,
    'Name an empty or absent directory: nothing is ever written over.',
  );
}

/** Empties what an unfinished restore left, its tablespaces too. Only what its note names is touched outside of `data`. */
export async function clear(data: string, note: RestoreNote | null): Promise<void> {
  for (const place of note?.tablespaces ?? []) await empty(place, []);
  // The work folder last: until then it tells what this is. Whoever empties this holds the lock in it.
  await empty(data, [WORK_FOLDER, 'lost+found']);
  await empty(join(data, WORK_FOLDER), [LOCK]);
}

/** @throws TablespaceError where a place for a tablespace holds something */
export async function requireEmptyPlaces(places: TablespacePlaces): Promise<void> {
  for (const [oid, place] of places) {
    const names = await namesIn(place);
    if (names.length > 0)
      throw new TablespaceError(`the place of tablespace ${oid}, ${place}, is not empty (${names[0]})`);
  }
}

/** Makes the directory, with a note that says what it is, before anything else is in it. */
export async function writeNote(data: string, note: RestoreNote): Promise<void> {
  const folder = join(data, WORK_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeDurably(join(folder, NOTE), `${JSON.stringify(note, null, 2)}\n`);
  await writeDurably(
    join(folder, README),
    `A restore of ${note.backup} by pgwarden into this directory has not ended: Postgres must not be started here.\nRun the same command again: it goes on where it was. While this file is here, nothing of it is needed by anybody.\n`,
  );
}

/** It is done: nothing tells any more that this was a restore. */
export async function removeNote(data: string): Promise<void> {
  await rm(join(data, WORK_FOLDER), { recursive: true, force: true });
}

async function readNote(data: string): Promise<RestoreNote | null> {
  try {
    const value = JSON.parse(await readFile(join(data, WORK_FOLDER, NOTE), 'utf8')) as RestoreNote;
    return value.format === 1 && Array.isArray(value.parts) && Array.isArray(value.tablespaces)
      ? value
      : null;
  } catch (error) {
    // Cut off before its first note was whole: nothing was unpacked yet.
    if (errnoOf(error) === 'ENOENT' || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return [];
    if (code !== 'ENOTDIR') throw error;
    throw new DirectoryError(`${path} is not a directory`, 'Name an empty or absent directory.');
  }
}

async function empty(path: string, except: readonly string[]): Promise<void> {
  for (const name of await namesIn(path))
    if (!except.includes(name)) await rm(join(path, name), { recursive: true, force: true });
}
