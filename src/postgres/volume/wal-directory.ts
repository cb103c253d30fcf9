import { readdir, stat } from 'node:fs/promises';
import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import { type TimelineId, timelineId } from '../../ha/units.ts';
import { errnoOf } from '../errors.ts';
import { readHistory, timelineOfHistoryFile } from './timeline-history.ts';

const SEGMENT = /^([0-9A-F]{8})[0-9A-F]{16}$/;
/** An mtime younger than this may hide a second change in the same grain of the clock. */
const TRUSTED_AGE_NS = 100_000_000n;

export type Forks = readonly TimelineFork[];

/** What the names in pg_wal tell. */
export interface WalDirectoryView {
  /**
   * The highest timeline that has WAL here: a segment with its number and the history that leads to it. A history
   * without WAL does not count, nor a segment without a history (a promotion that crashed after copying it).
   */
  readonly timeline: TimelineId;
  /** The forks that led to each timeline that has a history here. */
  readonly forksOf: ReadonlyMap<TimelineId, Forks>;
  /** Timelines with a history file, placeholders included; ascending. */
  readonly histories: readonly TimelineId[];
}

const EMPTY: WalDirectoryView = { timeline: timelineId(0), forksOf: new Map(), histories: [] };

/** Reads pg_wal when it has changed since the last look. */
export class WalDirectory {
  readonly #path: string;
  #changedAt: bigint | null = null;
  #view: WalDirectoryView = EMPTY;
  #forgotten = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads it again at the next look. A tool that makes a file and fills it later (pg_rewind) leaves the directory's
   * mtime at the making: what was read of that file then is not what it holds.
   */
  forget(): void {
    this.#changedAt = null;
    this.#forgotten += 1;
  }

  async look(): Promise<WalDirectoryView> {
    const forgotten = this.#forgotten;
    try {
      const { mtimeNs } = await stat(this.#path, { bigint: true });
      if (mtimeNs === this.#changedAt) return this.#view;
      this.#view = await readWalDirectory(this.#path);
      const trusted = BigInt(Date.now()) * 1_000_000n - mtimeNs > TRUSTED_AGE_NS;
      this.#changedAt = trusted && forgotten === this.#forgotten ? mtimeNs : null;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      this.#view = EMPTY;
      this.#changedAt = null;
    }
    return this.#view;
  }
}

/**
 * The timeline that WAL up to `end` has reached, and how it came there: one whose fork lies ahead is not reached yet,
 * though its history, or a receiver that is about to stream it, is there. To claim it would put this member before
 * one that holds more of the parent.
 */
export function reachedTimeline(
  highest: TimelineId,
  forksOf: ReadonlyMap<TimelineId, Forks>,
  end: Lsn,
): { readonly timeline: TimelineId; readonly forks: Forks } {
  let timeline = highest;
  let forks = forksOf.get(highest) ?? [];
  for (let last = forks.at(-1); last !== undefined; last = forks.at(-1)) {
    if (compareLsn(end, last.switchLsn) >= 0) break;
    timeline = last.timeline;
    forks = forks.slice(0, -1);
  }
  return { timeline, forks };
}

async function readWalDirectory(path: string): Promise<WalDirectoryView> {
  const names = await readdir(path);
  const histories = names
    .map(timelineOfHistoryFile)
    .filter((timeline) => timeline !== null)
    .sort((a, b) => a - b);
  const forksOf = new Map<TimelineId, Forks>([[timelineId(1), []]]);
  for (const timeline of histories) {
    const forks = await readHistory(path, timeline);
    // A placeholder has none: it is nobody's history.
    if (forks !== null && forks.length > 0) forksOf.set(timeline, forks);
  }
  const withWal = new Set(names.map((name) => SEGMENT.exec(name)?.[1]).filter((hex) => hex !== undefined));
  const timelines = [...withWal].map((hex) => timelineId(Number.parseInt(hex, 16)));
  const known = timelines.filter((timeline) => forksOf.has(timeline));
  return { timeline: timelineId(Math.max(0, ...known)), forksOf, histories };
}
