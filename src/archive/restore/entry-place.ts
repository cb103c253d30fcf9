import { join } from 'node:path';
import type { TablespacePlaces } from './tablespaces.ts';

/** Where the files of a backup go. */
export interface Places {
  readonly data: string;
  readonly tablespaces: TablespacePlaces;
  /** Below `data`: where what makes a directory one that Postgres starts is held back. */
  readonly held: string;
}

/** What is to be done with an entry of a tar. */
export type EntryPlace =
  | { readonly kind: 'write'; readonly path: string }
  /** What Postgres makes anew, or what must not come back. */
  | { readonly kind: 'skip' }
  | { readonly kind: 'refuse'; readonly why: string };

/** Without these nothing starts in the directory, so they come last. */
export const HELD_FILES = ['backup_label', 'tablespace_map', 'global/pg_control'] as const;

/** Directories whose content pg_basebackup leaves out (basebackup.c, excludeDirContents), and pg_wal: the archive has that. */
const CONTENT_SKIPPED = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
/** Files of a running server, and what would begin another recovery. */
const FILES_SKIPPED = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'recovery.signal',
  'standby.signal',
  'recovery.conf',
  'recovery.done',
  'postgresql.auto.conf.tmp',
  'pg_internal.init',
  'current_logfiles',
]);

/** Where the held file lies until the end. */
export function heldPath(places: Places, file: (typeof HELD_FILES)[number]): string {
  return join(places.held, file.replace('/', '-'));
}

/**
 * Where an entry goes. Its name may begin with `/` (WAL-G) or `./` (barman); nothing leaves the directories that were
 * named. `tablespace`: names are from that tablespace's directory on; null: from the data directory on.
 */
export function placeOf(name: string, tablespace: string | null, places: Places): EntryPlace {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0'))
    return { kind: 'refuse', why: `it has a file with the name ${JSON.stringify(name)}` };
  if (tablespace !== null) return inTablespace(tablespace, parts, places);
  const [top = '', second] = parts;
  if (top === 'pg_tblspc' && second !== undefined) return inTablespace(second, parts.slice(2), places);
  const path = parts.join('/');
  const held = HELD_FILES.find((file) => file === path);
  if (held !== undefined) return { kind: 'write', path: heldPath(places, held) };
  if (second !== undefined && CONTENT_SKIPPED.has(top)) return { kind: 'skip' };
  if (parts.length === 1 && FILES_SKIPPED.has(top)) return { kind: 'skip' };
  return { kind: 'write', path: join(places.data, ...parts) };
}

function inTablespace(oid: string, parts: readonly string[], places: Places): EntryPlace {
  const place = places.tablespaces.get(oid);
  if (place !== undefined) return { kind: 'write', path: join(place, ...parts) };
  // Its own entry: a link, or an empty directory. It is made again where it is needed.
  if (parts.length === 0) return { kind: 'skip' };
  return { kind: 'refuse', why: `it has files of tablespace ${oid}, and does not say where that was` };
}
