import { createReadStream } from 'node:fs';
import { copyFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LSN_ZERO } from '../../ha/lsn.ts';
import { errnoOf } from '../../postgres/errors.ts';
import { syncPath } from '../../postgres/volume/durable.ts';
import { ObjectConflictError } from '../errors.ts';
import { walName } from '../layout.ts';
import { type Kept, parseKept } from './keep-wal.ts';
import { judge, type Permission, type Reach } from './permit.ts';
import { pushFile, variantOf, type WalArchive } from './push-file.ts';
import { sha256OfStream } from './sha256.ts';

export interface KeptWalOptions {
  /** Where `keepWal` put them. */
  readonly directory: string;
  /** For writing. @throws ArchiveError */
  archive(signal: AbortSignal): Promise<WalArchive>;
  permission(): Permission;
  segmentBytes(): number | null;
  /** So little room is left that this member's own life goes first. */
  isShortOfSpace(): boolean;
  onArchived(file: string, outcome: 'created' | 'present'): void;
  onDropped(file: string, why: string): void;
}

const PIECE = 1024 * 1024;

/**
 * Brings into the archive what `keepWal` set aside, and removes it from the volume. Only what ends at or before the
 * point where a settled history left its timeline: nothing of that can be dropped any more, and whoever leads has the
 * same bytes or none, so that it does not matter who uploads them.
 */
export class KeptWal {
  readonly #options: KeptWalOptions;

  constructor(options: KeptWalOptions) {
    this.#options = options;
  }

  /** One look. @throws ArchiveError; the next look goes on */
  async look(signal: AbortSignal): Promise<void> {
    const { directory, segmentBytes } = this.#options;
    const names = await list(directory);
    if (names.length === 0) return;
    for (const name of names) {
      const kept = parseKept(name);
      const size = segmentBytes();
      const reach = settledReach(this.#options.permission());
      if (kept === null) await rm(join(directory, name), { force: true });
      else if (size !== null && reach !== null) await this.#orMakeRoom(name, kept, reach, size, signal);
    }
  }

  /** What the archive cannot have now goes where this member's own life is at stake. */
  async #orMakeRoom(
    name: string,
    kept: Kept,
    reach: Reach,
    segmentBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#settle(name, kept, reach, segmentBytes, signal);
    } catch (error) {
      if (!signal.aborted && this.#options.isShortOfSpace())
        await this.#drop(join(this.#options.directory, name), kept.file, 'the volume has too little room');
      throw error;
    }
  }

  async #settle(
    name: string,
    { file, sha256 }: Kept,
    reach: Reach,
    segmentBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const path = join(this.#options.directory, name);
    const verdict = judge(file, reach, segmentBytes);
    if (verdict.verdict === 'leave-out') return await this.#drop(path, file, verdict.reason);
    const opened = await this.#options.archive(signal);
    if (verdict.verdict === 'wait') {
      // Of the present timeline: its primary brings it, and then this one is of no use.
      const there = await variantOf(opened.store, opened.codec, walName(file), signal);
      if (there !== null) await rm(path, { force: true });
      return;
    }
    await makeOwn(path);
    const now = await sha256OfStream(createReadStream(path, { highWaterMark: PIECE, signal }));
    // pg_rewind wrote its source's file over it, or Postgres used it for new WAL: then the source had it too.
    if (now !== sha256) return await this.#drop(path, file, 'it was written to since');
    await this.#push(opened, file, path, signal);
  }

  async #push(archive: WalArchive, file: string, path: string, signal: AbortSignal): Promise<void> {
    try {
      const outcome = await pushFile(archive, file, path, signal);
      await rm(path, { force: true });
      this.#options.onArchived(file, outcome);
    } catch (error) {
      // The archive has no hole there; what is in it is never written over.
      if (!(error instanceof ObjectConflictError)) throw error;
      await this.#drop(path, file, error.message);
    }
  }

  async #drop(path: string, file: string, why: string): Promise<void> {
    await rm(path, { force: true });
    this.#options.onDropped(file, why);
  }
}

/** Postgres may write into a file that it has another name for, while it is read here: such a one is copied first. */
async function makeOwn(path: string): Promise<void> {
  if ((await stat(path)).nlink === 1) return;
  const copy = `${path}.copy`;
  try {
    await copyFile(path, copy);
    await syncPath(copy);
    await rename(copy, path);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
}

async function list(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The history to judge by: the own one of a primary, or that of the settled primary that is followed. */
function settledReach(permission: Permission): Reach | null {
  if (permission.reach !== null) return permission.reach;
  const { follows } = permission;
  return follows?.isSettled === true ? { ...follows, confirmed: LSN_ZERO } : null;
}
