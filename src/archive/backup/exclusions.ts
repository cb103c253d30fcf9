/**
 * What a backup leaves out: as pg_basebackup, by the lists and rules of src/backend/backup/basebackup.c
 * (`excludeDirContents`, `excludeFiles`, `noChecksumFiles`, `sendDir`) of PostgreSQL 14 to 18.
 */

/** Directories that are kept empty, wherever they are: Postgres clears or makes their contents at its start. */
const EMPTY_DIRECTORIES: ReadonlySet<string> = new Set([
  'pg_stat_tmp',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_subtrans',
]);

const EXCLUDED_FILES: ReadonlySet<string> = new Set([
  'postgresql.auto.conf.tmp',
  'current_logfiles.tmp',
  'backup_label',
  'tablespace_map',
  'backup_manifest',
  'postmaster.pid',
  'postmaster.opts',
]);

const RELATION_CACHE = 'pg_internal.init';
/** PG_TEMP_FILE_PREFIX: temporary files, and the directories of them. */
const TEMPORARY = 'pgsql_tmp';
const UNCHECKED_FILES: ReadonlySet<string> = new Set(['pg_control', 'pg_filenode.map', 'PG_VERSION']);

/** A name in a directory of a database: `16384`, `16384_fsm`, `16384.2`, `16384_init.1`. */
const RELATION = /^([1-9]\d{0,9})(?:_(fsm|vm|init))?(?:\.([1-9]\d*))?$/;
/** `t<backend>_<relation>…`: a temporary relation (looks_like_temp_rel_name). */
const TEMPORARY_RELATION = /^t\d+_[1-9]\d{0,9}(?:_(?:fsm|vm|init))?(?:\.[1-9]\d*)?$/;

/** Whether an entry of any directory is left out by its name alone. */
export function isExcludedName(name: string): boolean {
  return name.startsWith(TEMPORARY) || EXCLUDED_FILES.has(name) || name.startsWith(RELATION_CACHE);
}

/** Whether only the directory itself is kept. `path`: below PGDATA. */
export function isKeptEmpty(path: string, name: string, statsTempDirectory: string | null): boolean {
  return EMPTY_DIRECTORIES.has(name) || path === statsTempDirectory;
}

/** Directories that a restore needs in pg_wal, whose files come from the archive. */
export function walDirectories(major: number): readonly string[] {
  return ['pg_wal', 'pg_wal/archive_status', ...(major >= 17 ? ['pg_wal/summaries'] : [])];
}

/** The relations of a directory of a database that are not logged: their contents are gone after a crash anyway. */
export function unloggedRelations(names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of names) {
    const [, relation, fork] = RELATION.exec(name) ?? [];
    if (relation !== undefined && fork === 'init') found.add(relation);
  }
  return found;
}

/** Whether a file in a directory of a database is left out: of a temporary relation, or any but the init fork of an unlogged one. */
export function isExcludedRelation(name: string, unlogged: ReadonlySet<string>): boolean {
  if (TEMPORARY_RELATION.test(name)) return true;
  const [, relation, fork] = RELATION.exec(name) ?? [];
  return relation !== undefined && fork !== 'init' && unlogged.has(relation);
}

/** Whether a directory (below PGDATA) holds relations: `global`, `base/<oid>`, `pg_tblspc/<oid>/<version>/<oid>`. */
export function isRelationDirectory(path: string): boolean {
  return path === 'global' || /^base\/\d+$/.test(path) || /^pg_tblspc\/\d+\/PG_[^/]+\/\d+$/.test(path);
}

/** A file of a relation, as WAL names it. */
export interface RelationFile {
  readonly tablespace: number;
  /** 0: shared by all databases. */
  readonly database: number;
  readonly relation: number;
  readonly fork: 'main' | 'fsm' | 'vm' | 'init';
  readonly segment: number;
}

/** The oids of the tablespaces that every cluster has (pg_tablespace.dat). */
const DEFAULT_TABLESPACE = 1663;
const GLOBAL_TABLESPACE = 1664;

/** Which relation's a file (below PGDATA) is; null: it is none's. */
export function relationFileOf(path: string): RelationFile | null {
  const slash = path.lastIndexOf('/');
  const folder = path.slice(0, slash);
  if (!isRelationDirectory(folder)) return null;
  const [, relation, fork = 'main', segment = '0'] = RELATION.exec(path.slice(slash + 1)) ?? [];
  if (relation === undefined) return null;
  const parts = folder.split('/');
  const tablespace =
    parts[0] === 'global' ? GLOBAL_TABLESPACE : parts[0] === 'base' ? DEFAULT_TABLESPACE : Number(parts[1]);
  return {
    tablespace,
    database: parts[0] === 'global' ? 0 : Number(parts.at(-1)),
    relation: Number(relation),
    fork: fork as RelationFile['fork'],
    segment: Number(segment),
  };
}

/**
 * Whether a file (below PGDATA) is made of pages that carry checksums, and which segment of its relation it is: a
 * page's number counts from the beginning of the relation. Null: it is not. The names are narrower than
 * basebackup.c's, which takes every other file below these directories for pages.
 */
export function pagesOf(path: string): { readonly segment: number } | null {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (!isRelationDirectory(path.slice(0, slash)) || UNCHECKED_FILES.has(name)) return null;
  const match = RELATION.exec(name);
  return match === null ? null : { segment: Number(match[3] ?? 0) };
}
