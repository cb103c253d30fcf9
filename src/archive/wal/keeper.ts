import { setTimeout as sleep } from 'node:timers/promises';
import { parseEncodedName } from '../codec/codec.ts';
import { ArchiveError } from '../errors.ts';
import { WAL_FOLDER, walName } from '../layout.ts';
import { walFileKind } from './names.ts';
import { type History, judgeKept } from './permit.ts';
import type { WalArchive } from './push-file.ts';
import { failureOf, type PushAnswer, type PushFailure } from './pusher.ts';

export interface KeeperOptions {
  /** For reading: a standby writes nothing. */
  archive(signal: AbortSignal): Promise<WalArchive>;
  segmentBytes(): number | null;
  /** So little room is left that this standby's own life goes first. */
  isShortOfSpace(): boolean;
  /** Puts a file of pg_wal into the archive, where it is not there yet. */
  pushFile(file: string, signal: AbortSignal): Promise<unknown>;
  onFailed(file: string, error: ArchiveError): void;
  onWell(): void;
  onFilled(file: string): void;
}

/** Pauses between looks for a file that is not there yet, in milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
/** A primary sends several segments at once, so that a later one may be there first: a hole is one that stays. */
const HOLE_STAYS = 60_000;
/** What one look brings to know. */
const NAMES = 1000;

/**
 * Answers the archive_command of a standby (`archive_mode = always`): done once the archive has the file. So Postgres
 * itself keeps on every standby what the primary has not come to archive, and whoever takes over archives it: a store
 * that was away during a failover leaves no hole.
 *
 * Only one thing does a standby upload: a segment that the archive lacks although it has a later one of the same
 * timeline. Everything before an archived segment was confirmed by the quorum, and is the same on every member, so that
 * this gives the archive nothing that a takeover could drop; and whoever leads may have it no more.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #holeStays: number;
  #known: ReadonlySet<string> = new Set();
  /** Since when a hole was seen, by its file. */
  readonly #holes = new Map<string, number>();
  #failure: PushFailure | null = null;

  constructor(options: KeeperOptions, holeStays = HOLE_STAYS) {
    this.#options = options;
    this.#holeStays = holeStays;
  }

  /** Why this standby cannot look into the archive; null: it can. */
  get failure(): PushFailure | null {
    return this.#failure;
  }

  /** Resolves once the archive has the file, or it need not be kept, or `signal` has no more time. */
  async request(file: string, history: History, signal: AbortSignal): Promise<PushAnswer> {
    const { segmentBytes, isShortOfSpace } = this.#options;
    const size = segmentBytes();
    if (size === null) return kept(file, 'ARCHIVE_STARTING', 'the agent starts');
    const kind = walFileKind(file);
    // Only the member that made one has it, and no restore needs it: it must not hold up what comes after.
    if (kind === 'partial' || kind === 'backup') return { done: true };
    if (judgeKept(file, history, size) === 'leave-out' || this.#known.has(file)) return { done: true };
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      // Asked the moment that it is full: the primary is not that fast.
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted)
        return this.#failure === null
          ? kept(file, 'ARCHIVE_NOT_YET', 'the primary has not archived it yet')
          : kept(file, this.#failure.code, this.#failure.message);
      // The primary archives it, or the next one fills it in: nothing is lost by this standby alone.
      if (isShortOfSpace()) return { done: true };
      if (await this.#isThere(file, signal)) return { done: true };
    }
  }

  async #isThere(file: string, signal: AbortSignal): Promise<boolean> {
    const { onFailed, onWell } = this.#options;
    try {
      const found = (await this.#isArchived(file, signal)) || (await this.#fill(file, signal));
      this.#failure = null;
      onWell();
      return found;
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      if (error.code === 'ARCHIVE_CANCELLED') return false;
      this.#failure = failureOf(file, error, this.#failure);
      onFailed(file, error);
      return false;
    }
  }

  /** A look brings what comes after, too: the next files are known without one. */
  async #isArchived(file: string, signal: AbortSignal): Promise<boolean> {
    const { store } = await this.#options.archive(signal);
    const names = new Set<string>();
    for await (const { key } of store.list(WAL_FOLDER, { startAfter: walName(file.slice(0, -1)), signal })) {
      names.add(parseEncodedName(key).name.slice(WAL_FOLDER.length));
      if (names.size >= NAMES) break;
    }
    this.#known = names;
    return names.has(file);
  }

  /** Whether it was a hole, and is none any more. */
  async #fill(file: string, signal: AbortSignal): Promise<boolean> {
    if (walFileKind(file) !== 'segment' || !this.#hasLater(file)) {
      this.#holes.delete(file);
      return false;
    }
    const since = this.#holes.get(file) ?? performance.now();
    this.#holes.set(file, since);
    if (performance.now() - since < this.#holeStays) return false;
    await this.#options.pushFile(file, signal);
    this.#holes.delete(file);
    this.#options.onFilled(file);
    return true;
  }

  #hasLater(file: string): boolean {
    const timeline = file.slice(0, 8);
    for (const name of this.#known)
      if (name > file && name.startsWith(timeline) && walFileKind(name) === 'segment') return true;
    return false;
  }
}

function kept(file: string, code: string, why: string): PushAnswer {
  return { done: false, code, message: `${file} is kept: ${why}` };
}
