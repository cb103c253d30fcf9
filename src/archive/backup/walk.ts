import type { Dirent } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileUnreadableError } from './errors.ts';
import {
  isExcludedName,
  isExcludedRelation,
  isKeptEmpty,
  isRelationDirectory,
  unloggedRelations,
  walDirectories,
} from './exclusions.ts';

/** Something that a backup holds; `path` is below PGDATA, with `/` between. */
export type Entry =
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly mode: number;
      readonly modifiedAt: Date;
    }
  | { readonly kind: 'file'; readonly path: string };

/** A tablespace outside PGDATA. */
export interface Tablespace {
  readonly oid: string;
  readonly location: string;
}

export interface WalkOptions {
  readonly data: string;
  readonly major: number;
  /** `stats_temp_directory` below PGDATA (Postgres 14); null: there is none. */
  readonly statsTempDirectory: string | null;
  /**
   * The oids of the tablespaces that there were at the start: Postgres's map has these, and one that is made meanwhile
   * is made again from WAL.
   */
  readonly tablespaces: ReadonlySet<string>;
}

const CONTROL_FILE = 'global/pg_control';

/** The tablespaces of a data directory: the links in pg_tblspc. One within PGDATA is a directory there, and none of these. */
export async function readTablespaces(data: string): Promise<Tablespace[]> {
  const found: Tablespace[] = [];
  for (const entry of (await listed(data, 'pg_tblspc')) ?? []) {
    if (!entry.isSymbolicLink() || !/^\d+$/.test(entry.name)) continue;
    const location = await readlink(join(data, 'pg_tblspc', entry.name)).catch(absent);
    if (location !== null) found.push({ oid: entry.name, location });
  }
  return found;
}

/**
 * Everything of a data directory that belongs into a backup but `global/pg_control`, which is copied last. What goes
 * away meanwhile is left out: WAL tells what became of it.
 *
 * @throws FileUnreadableError
 */
export async function* walk(options: WalkOptions): AsyncGenerator<Entry> {
  yield* below(options, '');
}

/** How many bytes a walk comes upon, roughly: files grow and go. */
export async function measure(options: WalkOptions, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const entry of walk(options)) {
    signal.throwIfAborted();
    if (entry.kind === 'file')
      bytes += (await lstat(join(options.data, entry.path)).catch(absent))?.size ?? 0;
  }
  return bytes;
}

async function* below(options: WalkOptions, folder: string): AsyncGenerator<Entry> {
  const entries = await listed(options.data, folder);
  if (entries === null) return;
  const holdsRelations = isRelationDirectory(folder);
  const unlogged = holdsRelations ? unloggedRelations(entries.map(({ name }) => name)) : new Set<string>();
  for (const entry of entries) {
    const { name } = entry;
    const path = folder === '' ? name : `${folder}/${name}`;
    if (isExcludedName(name) || path === CONTROL_FILE) continue;
    if (holdsRelations && isExcludedRelation(name, unlogged)) continue;
    if (path === 'pg_wal') {
      for (const directory of walDirectories(options.major))
        yield* directoryEntry(options.data, path, directory);
    } else if (isKeptEmpty(path, name, options.statsTempDirectory)) {
      yield* directoryEntry(options.data, path, path);
    } else if (entry.isDirectory()) {
      yield* directoryEntry(options.data, path, path);
      yield* below(options, path);
    } else if (entry.isSymbolicLink()) {
      // Links are Postgres's own only here; sockets and other links are skipped, as basebackup.c does.
      if (folder === 'pg_tblspc' && options.tablespaces.has(name)) yield* below(options, path);
    } else if (entry.isFile()) {
      yield { kind: 'file', path };
    }
  }
}

/** `source`: whose mode it gets (pg_wal may be a link). */
async function* directoryEntry(data: string, source: string, path: string): AsyncGenerator<Entry> {
  const found = await stat(join(data, source)).catch(absent);
  if (found !== null) yield { kind: 'directory', path, mode: found.mode & 0o7777, modifiedAt: found.mtime };
}

async function listed(data: string, folder: string): Promise<Dirent[] | null> {
  try {
    return await readdir(join(data, folder), { withFileTypes: true });
  } catch (error) {
    if (absent(error) === null) return null;
    throw new FileUnreadableError(folder === '' ? data : folder, String(error), error);
  }
}

function absent(error: unknown): null {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return null;
  throw error;
}
