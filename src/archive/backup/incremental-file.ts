/**
 * Files that hold only the changed blocks of a relation, as `pg_combinebackup` reads them: the decision and the format
 * of src/backend/backup/basebackup_incremental.c (`GetFileBackupMethod`, `GetIncrementalHeaderSize`) and basebackup.c
 * (`sendFile`) of PostgreSQL 17 and 18.
 */

/** What WAL tells of one file of a relation since the parent backup. */
export interface FileChanges {
  /** Numbers of changed blocks within this file, ascending, each once. */
  readonly blocks: Uint32Array;
  /** From this block of the file on nothing of the parent holds: it was truncated there, or made anew (0); null: neither. */
  readonly limit: number | null;
}

export interface RelationFormat {
  readonly pageBytes: number;
  /** Blocks of a file: the next one goes on in another file. */
  readonly segmentPages: number;
}

/** What is stored of a file. */
export interface Increment {
  /** Those that are stored, ascending. */
  readonly blocks: Uint32Array;
  /** Blocks of the file that is put together: what is not stored is taken of the parent. */
  readonly pages: number;
}

const MAGIC = 0xd3ae1f0d;
/** Where nearly all of a file changed, all of it is stored. */
const NEARLY_ALL = 0.9;

/**
 * What to store of a file that its parent has too; null: the whole of it. Beyond Postgres's own: behind a limit every
 * block is stored, so that none comes of the parent, whose blocks there are of before the truncation (pages that are
 * added are not logged until something is written to them).
 *
 * @param changes null: WAL names no change of it
 */
export function planIncrement(
  size: number,
  changes: FileChanges | null,
  { pageBytes, segmentPages }: RelationFormat,
): Increment | null {
  const pages = size / pageBytes;
  if (!Number.isInteger(pages) || pages > segmentPages || pages === 0) return null;
  if (changes === null) return { blocks: new Uint32Array(0), pages };
  const limit = Math.max(Math.min(changes.limit ?? pages, pages), 0);
  const beyond = changes.blocks.findIndex((block) => block >= limit);
  const named = beyond < 0 ? changes.blocks : changes.blocks.subarray(0, beyond);
  const count = named.length + pages - limit;
  if (count > pages * NEARLY_ALL) return null;
  const blocks = new Uint32Array(count);
  blocks.set(named);
  for (let block = limit; block < pages; block++) blocks[named.length + block - limit] = block;
  return { blocks, pages };
}

/** What an increment begins with; its blocks follow, in the order of their numbers. In the machine's own byte order. */
export function incrementHeader({ blocks, pages }: Increment, pageBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = 4 * (3 + blocks.length);
  const rounded = blocks.length === 0 ? bytes : Math.ceil(bytes / pageBytes) * pageBytes;
  const header = new Uint32Array(rounded / 4);
  header.set([MAGIC, blocks.length, pages]);
  header.set(blocks, 3);
  return new Uint8Array(header.buffer);
}

/** The name of a file of changes: `base/5/INCREMENTAL.16384.1`. */
export function incrementPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash + 1)}INCREMENTAL.${path.slice(slash + 1)}`;
}
