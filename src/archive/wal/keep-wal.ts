import { createReadStream } from 'node:fs';
import { copyFile, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import { errnoOf } from '../../postgres/errors.ts';
import { makeDirectory, syncPath } from '../../postgres/volume/durable.ts';
import { parseSegment, segmentBounds, walFileKind } from './names.ts';
import { ReadyFiles } from './ready-files.ts';
import { segmentSizeOf } from './segment-size.ts';
import { sha256OfStream } from './sha256.ts';

export interface Keeping {
  readonly walDirectory: string;
  /** On the same volume, and outside the data directory. */
  readonly kept: string;
  /** The point up to which the history here is that of the new primary; null: not known, everything is kept. */
  readonly until: Lsn | null;
  /** Bytes that are free on the volume. No more than half of that is kept. */
  readonly free: number;
  readonly signal: AbortSignal;
}

export interface KeptNow {
  readonly kept: readonly string[];
  /** What there was no room for, or no time. */
  readonly left: readonly string[];
}

const COPY = 1024 * 1024;
/** Names across a file system's boundary, or on one that knows no second name for a file. */
const NO_LINKS: ReadonlySet<string | null> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);

/**
 * Before a rewind or a clone replaces the data of a member that was the primary: sets aside the full segments that
 * Postgres holds ready for the archive, the oldest first. pg_rewind removes what its source has not (filemap.c), a
 * clone everything; after a failover while the store was away, nobody else may have them, and the archive would have a
 * hole for ever. They get a second name, which costs no room and little time, with their SHA-256 in it: whatever is
 * written into the file under its first name is then known.
 */
export async function keepWal({ walDirectory, kept, until, free, signal }: Keeping): Promise<KeptNow> {
  const segmentBytes = await segmentSizeOf(walDirectory);
  if (segmentBytes === null) return { kept: [], left: [] };
  const files = (await new ReadyFiles(walDirectory).list()).filter((file) => {
    const segment = walFileKind(file) === 'segment' ? parseSegment(file, segmentBytes) : null;
    if (segment === null) return false;
    return until === null || compareLsn(segmentBounds(segment, segmentBytes).end, until) <= 0;
  });
  if (files.length === 0) return { kept: [], left: [] };
  await makeDirectory(kept);
  const there = new Set((await readdir(kept)).map((name) => parseKept(name)?.file));
  let room = Math.floor(free / 2 / segmentBytes) - there.size;
  const now: string[] = [];
  const left: string[] = [];
  for (const file of files) {
    if (there.has(file)) continue;
    const has = room > 0 && !signal.aborted && (await keep(walDirectory, file, kept, segmentBytes, signal));
    (has ? now : left).push(file);
    if (has) room -= 1;
  }
  await syncPath(kept);
  return { kept: now, left };
}

/** A segment that is set aside, and the SHA-256 (hex) that it had then. */
export interface Kept {
  readonly file: string;
  readonly sha256: string;
}

/** By its name; null: it is none. */
export function parseKept(name: string): Kept | null {
  const match = /^([0-9A-F]{24})\.([0-9a-f]{64})$/.exec(name);
  return match === null ? null : { file: match[1] ?? '', sha256: match[2] ?? '' };
}

async function keep(
  walDirectory: string,
  file: string,
  kept: string,
  segmentBytes: number,
  signal: AbortSignal,
): Promise<boolean> {
  const path = join(walDirectory, file);
  try {
    if ((await stat(path)).size !== segmentBytes) return false;
    const sha256 = await sha256OfStream(createReadStream(path, { highWaterMark: COPY, signal }));
    await secondName(path, join(kept, `${file}.${sha256}`));
    return true;
  } catch (error) {
    if (signal.aborted || errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function secondName(path: string, name: string): Promise<void> {
  try {
    await link(path, name);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    if (!NO_LINKS.has(errnoOf(error))) throw error;
    const copy = `${name}.copy`;
    try {
      await copyFile(path, copy);
      await syncPath(copy);
      await rename(copy, name);
    } catch (failure) {
      await rm(copy, { force: true });
      throw failure;
    }
  }
}
