import { compareLsn, type Lsn } from '../../ha/lsn.ts';
import { relationFileOf } from './exclusions.ts';
import type { FileChanges } from './incremental-file.ts';
import type { WalRange } from './manifest.ts';

/** A summary of WAL that a server has (pg_available_wal_summaries): its changes from `start` to before `end`. */
export interface WalSummary {
  readonly timeline: number;
  readonly start: Lsn;
  readonly end: Lsn;
}

/** The changes of one file of a relation's main fork. */
export interface ChangedFile {
  readonly tablespace: number;
  readonly database: number;
  /** 0: the database itself was made. */
  readonly relation: number;
  readonly segment: number;
  /** Counted from the relation's first block, ascending. */
  readonly blocks: readonly number[];
  /** The least of the relation's limits, counted the same; null: none. */
  readonly limit: number | null;
}

/** How far the summaries cover a range without a gap: to its end, or to where they end. */
export function coveredTo(summaries: readonly WalSummary[], range: WalRange): Lsn {
  let covered = range.start;
  const along = summaries
    .filter(({ timeline, end }) => timeline === range.timeline && compareLsn(end, range.start) > 0)
    .sort((a, b) => compareLsn(a.start, b.start));
  for (const { start, end } of along) {
    if (compareLsn(start, covered) > 0) break;
    if (compareLsn(end, covered) > 0) covered = end;
  }
  return compareLsn(covered, range.end) > 0 ? range.end : covered;
}

/** What changed between two backups, by the summaries of WAL. */
export class BlockChanges {
  readonly #segmentPages: number;
  readonly #files = new Map<string, Uint32Array>();
  readonly #limits = new Map<string, number>();
  readonly #databases = new Set<string>();

  constructor(segmentPages: number) {
    this.#segmentPages = segmentPages;
  }

  add({ tablespace, database, relation, segment, blocks, limit }: ChangedFile): void {
    if (relation === 0) {
      this.#databases.add(`${tablespace}/${database}`);
      return;
    }
    const name = `${tablespace}/${database}/${relation}`;
    const first = segment * this.#segmentPages;
    if (blocks.length > 0) {
      const key = `${name}/${segment}`;
      // Each timeline on the way tells of its own part.
      const all = new Set([...(this.#files.get(key) ?? []), ...blocks.map((block) => block - first)]);
      this.#files.set(key, Uint32Array.from(all).sort());
    }
    const before = this.#limits.get(name);
    if (limit !== null) this.#limits.set(name, Math.min(limit, before ?? limit));
    // That it is named at all is a change.
    else if (before === undefined) this.#limits.set(name, Number.POSITIVE_INFINITY);
  }

  /** Of a file that the parent has too; `whole`: it is to be stored whole; null: nothing of it changed. */
  of(path: string): FileChanges | 'whole' | null {
    const file = relationFileOf(path);
    // Free space maps are not fully logged. Bits of visibility maps are cleared by records that do not name their block
    // (heapam.c: visibilitymap_clear), so no summary tells of it. And an init fork is a page or two.
    if (file === null || file.fork !== 'main') return 'whole';
    const { tablespace, database, relation, segment } = file;
    if (this.#databases.has(`${tablespace}/${database}`)) return 'whole';
    const name = `${tablespace}/${database}/${relation}`;
    const limit = this.#limits.get(name);
    if (limit === undefined) return null;
    return {
      blocks: this.#files.get(`${name}/${segment}`) ?? new Uint32Array(0),
      limit: Number.isFinite(limit) ? limit - segment * this.#segmentPages : null,
    };
  }
}
