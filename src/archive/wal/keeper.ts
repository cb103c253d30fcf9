import { setTimeout as sleep } from 'node:timers/promises';
import { parseEncodedName } from '../codec/codec.ts';
import { ArchiveError } from '../errors.ts';
import { WAL_FOLDER, walName } from '../layout.ts';
import { type History, judgeKept } from './permit.ts';
import type { WalArchive } from './push-file.ts';
import type { PushAnswer } from './pusher.ts';

export interface KeeperOptions {
  archive(signal: AbortSignal): Promise<WalArchive>;
  segmentBytes(): number | null;
  /** So little room is left that this standby's own life goes first. */
  isShortOfSpace(): boolean;
}

/** Pauses between looks for a file that is not there yet, in milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
/** What one look brings to know. */
const NAMES = 1000;

/**
 * Answers the archive_command of a standby (`archive_mode = always`): done once the archive has the file. Nothing is
 * uploaded. So Postgres itself keeps on every standby what the primary has not come to archive, and whoever takes over
 * archives it: a store that was away during a failover leaves no hole.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  #known: ReadonlySet<string> = new Set();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Resolves once the archive has the file, or it need not be kept, or `signal` has no more time. */
  async request(file: string, history: History, signal: AbortSignal): Promise<PushAnswer> {
    const segmentBytes = this.#options.segmentBytes();
    if (segmentBytes === null) return kept(file, 'ARCHIVE_STARTING', 'the agent starts');
    if (judgeKept(file, history, segmentBytes) === 'leave-out') return { done: true };
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      // The primary archives it, or the next one fills it in: nothing is lost by this standby alone.
      if (this.#options.isShortOfSpace()) return { done: true };
      try {
        if (await this.#isArchived(file, signal)) return { done: true };
      } catch (error) {
        if (!(error instanceof ArchiveError)) throw error;
        if (signal.aborted) return kept(file, error.code, error.message);
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return kept(file, 'ARCHIVE_NOT_YET', 'the primary has not archived it yet');
    }
  }

  /** A look brings what comes after, too: the next files are known without one. */
  async #isArchived(file: string, signal: AbortSignal): Promise<boolean> {
    if (this.#known.has(file)) return true;
    const { store } = await this.#options.archive(signal);
    const names = new Set<string>();
    for await (const { key } of store.list(WAL_FOLDER, { startAfter: walName(file.slice(0, -1)), signal })) {
      names.add(parseEncodedName(key).name.slice(WAL_FOLDER.length));
      if (names.size >= NAMES) break;
    }
    this.#known = names;
    return names.has(file);
  }
}

function kept(file: string, code: string, why: string): PushAnswer {
  return { done: false, code, message: `${file} is kept: ${why}` };
}
