import { readdir, stat } from 'node:fs/promises';
import type { TimelineFork } from '../../ha/peer.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { errnoOf } from '../errors.ts';
import { readHistory, timelineOfHistoryFile } from './timeline-history.ts';

const SEGMENT = /^([0-9A-F]{8})[0-9A-F]{16}$/;

/** What the names in pg_wal tell. */
export interface WalDirectoryView {
  /**
   * The highest timeline that has WAL here: a segment with its number and the history that leads to it. A history
   * without WAL does not count, nor a segment without a history (a promotion that crashed after copying it).
   */
  readonly timeline: TimelineId;
  readonly forks: readonly TimelineFork[];
  /** Timelines with a history file, placeholders included; ascending. */
  readonly histories: readonly TimelineId[];
}

const EMPTY: WalDirectoryView = { timeline: timelineId(0), forks: [], histories: [] };

/** Reads pg_wal when it has changed since the last look. */
export class WalDirectory {
  readonly #path: string;
  #changedAt: bigint | null = null;
  #view: WalDirectoryView = EMPTY;

  constructor(path: string) {
    this.#path = path;
  }

  async look(): Promise<WalDirectoryView> {
    try {
      const { mtimeNs } = await stat(this.#path, { bigint: true });
      if (mtimeNs === this.#changedAt) return this.#view;
      this.#view = await readWalDirectory(this.#path);
      // A change within the clock's grain would go unseen: only an older mtime is trusted to name this content.
      this.#changedAt = BigInt(Date.now()) * 1_000_000n - mtimeNs > 100_000_000n ? mtimeNs : null;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      this.#view = EMPTY;
      this.#changedAt = null;
    }
    return this.#view;
  }
}

async function readWalDirectory(path: string): Promise<WalDirectoryView> {
  const names = await readdir(path);
  const histories = names
    .map(timelineOfHistoryFile)
    .filter((timeline) => timeline !== null)
    .sort((a, b) => a - b);
  const withWal = new Set(names.map((name) => SEGMENT.exec(name)?.[1]).filter((hex) => hex !== undefined));
  const timelines = [...withWal].map((hex) => timelineId(Number.parseInt(hex, 16))).sort((a, b) => b - a);
  for (const timeline of timelines) {
    const forks = await readHistory(path, timeline);
    if (forks !== null && (timeline === 1 || forks.length > 0)) return { timeline, forks, histories };
  }
  return { ...EMPTY, histories };
}
