import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { historyFileName } from '../../postgres/volume/timeline-history.ts';
import { walName } from '../layout.ts';
import { parseSegment, segmentAt, segmentBounds, segmentName, walFileKind } from '../wal/names.ts';
import type { Permission, Reach } from '../wal/permit.ts';
import { variantOf, type WalArchive } from '../wal/push-file.ts';
import { readWal } from '../wal/read-wal.ts';
import { sha256Of } from '../wal/sha256.ts';
import { parseTailKey, type StoredPiece, type TailPiece, tailFolder, tailName } from './names.ts';
import { missingRanges, type Range } from './plan.ts';
import { holeFreeRun } from './run.ts';
import { sweepOldTails } from './sweep.ts';

export interface TailShipperOptions {
  readonly walDirectory: string;
  archive(signal: AbortSignal): Promise<WalArchive>;
  permission(): Permission;
  segmentBytes(): number | null;
  /** Files that Postgres has ready and the archive does not have; null: they were not looked at yet in this term. */
  waiting(timeline: TimelineId): ReadonlySet<string> | null;
  /** Puts a file of pg_wal into the archive, where it is not there yet. */
  pushFile(archive: WalArchive, file: string, signal: AbortSignal): Promise<unknown>;
}

/** So many pieces of a segment are written anew as one: a quiet day would make tens of thousands. */
const MOST_PIECES = 60;

/** What is merged is made in memory, and segments may have a gibibyte: no more than the last so many bytes. */
const MOST_MERGED = 64 * 1024 * 1024;

/** What is known of the tail that this member writes. */
interface Term {
  readonly timeline: TimelineId;
  /** The beginning of the segment that the term began in. */
  readonly begun: Lsn;
  /** Where the tail ends. */
  position: Lsn;
  /** The pieces in the archive, in order. */
  pieces: StoredPiece[];
}

/**
 * Ships the WAL that no full segment holds yet: every round, what was written and confirmed since the last one. A
 * round that finds nothing new asks the store nothing.
 */
export class TailShipper {
  readonly #options: TailShipperOptions;
  #term: Term | null = null;
  /** Timelines that were left may have pieces that no restore needs any more. */
  #oldTailsLeft = false;
  /** Whole segments that are the archive's to bring, and not there yet, with where they begin. */
  readonly #missing = new Map<string, number>();
  /** The look that `#missing` has taken up. */
  #noted: ReadonlySet<string> | null = null;
  /** Segments that the archive has by now: their pieces go. */
  readonly #archived = new Set<string>();

  constructor(options: TailShipperOptions) {
    this.#options = options;
  }

  /** Up to where everything is in the archive, in full segments or in the tail, without a hole; null: not known (yet). */
  get position(): Lsn | null {
    if (this.#term === null) return null;
    return lsnAt(Math.min(lsnBytes(this.#term.position), ...this.#missing.values()));
  }

  /** The archive has this segment, or is not to have it. */
  segmentArchived(file: string): void {
    this.#archived.add(file);
    this.#missing.delete(file);
  }

  /** One round. @throws ArchiveError; the next round goes on where this one came to */
  async ship(signal: AbortSignal): Promise<void> {
    const { reach } = this.#options.permission();
    const segmentBytes = this.#options.segmentBytes();
    if (reach === null || segmentBytes === null) {
      this.#term = null;
      this.#archived.clear();
      this.#missing.clear();
      return;
    }
    const waiting = this.#options.waiting(reach.timeline);
    if (this.#term === null || this.#term.timeline !== reach.timeline) {
      // Without it the term would begin without the holes that are there.
      if (waiting === null) return;
      this.#term = await this.#begin(reach, segmentBytes, signal);
    }
    const term = this.#term;
    this.#noteWaiting(term, waiting, segmentBytes);
    this.#noteSkipped(term, reach.confirmed, segmentBytes);
    for (const range of missingRanges(term.position, reach.confirmed, segmentBytes)) {
      const file = segmentName(segmentAt(term.timeline, range.start, segmentBytes), segmentBytes);
      if (!this.#archived.has(file)) await this.#shipRange(term, range, segmentBytes, signal);
      term.position = range.end;
    }
    await this.#dropArchived(term, reach, segmentBytes, signal);
  }

  /**
   * The history goes first: a tail on a timeline whose history is not there could not be found. What an earlier
   * process shipped of the present segment is gone on from.
   */
  async #begin(reach: Reach, segmentBytes: number, signal: AbortSignal): Promise<Term> {
    const archive = await this.#options.archive(signal);
    const { timeline } = reach;
    if (timeline > 1) await this.#options.pushFile(archive, historyFileName(timeline), signal);
    const pieces: StoredPiece[] = [];
    for await (const { key } of archive.store.list(tailFolder(timeline), { signal })) {
      const piece = parseTailKey(key);
      if (piece !== null) pieces.push(piece);
    }
    const { start } = segmentBounds(segmentAt(timeline, reach.confirmed, segmentBytes), segmentBytes);
    const { end } = holeFreeRun(pieces, lsnBytes(start), lsnBytes(reach.confirmed));
    await this.#noteArchived(archive, timeline, pieces, segmentBytes, signal);
    this.#oldTailsLeft = true;
    this.#missing.clear();
    this.#noted = null;
    return { timeline, begun: start, position: lsnAt(end), pieces };
  }

  /** Whole segments from before the term are holes until the archive has them: no tail of it holds them. */
  #noteWaiting({ begun }: Term, waiting: ReadonlySet<string> | null, segmentBytes: number): void {
    if (waiting === null || waiting === this.#noted) return;
    this.#noted = waiting;
    for (const file of waiting) {
      const segment = walFileKind(file) === 'segment' ? parseSegment(file, segmentBytes) : null;
      if (segment === null || this.#archived.has(file)) continue;
      const start = segment.number * segmentBytes;
      if (start < lsnBytes(begun)) this.#missing.set(file, start);
    }
  }

  /** Between the segment that the tail ends in and the one that it goes on in, whole segments come by themselves. */
  #noteSkipped({ timeline, position }: Term, confirmed: Lsn, segmentBytes: number): void {
    const to = segmentAt(timeline, confirmed, segmentBytes).number;
    for (let number = segmentAt(timeline, position, segmentBytes).number + 1; number < to; number++) {
      const file = segmentName({ timeline, number }, segmentBytes);
      if (!this.#archived.has(file)) this.#missing.set(file, number * segmentBytes);
    }
  }

  async #shipRange(term: Term, range: Range, segmentBytes: number, signal: AbortSignal): Promise<void> {
    const { walDirectory } = this.#options;
    const { timeline } = term;
    const segmentStart = segmentBounds(segmentAt(timeline, range.start, segmentBytes), segmentBytes).start;
    const window = Math.max(lsnBytes(segmentStart), lsnBytes(range.end) - MOST_MERGED);
    const recent = term.pieces.filter(
      ({ start, end }) => lsnBytes(start) >= window && lsnBytes(end) <= lsnBytes(range.end),
    );
    const merge = recent.length >= MOST_PIECES;
    const from = Math.min(
      lsnBytes(range.start),
      ...(merge ? recent.map(({ start }) => lsnBytes(start)) : []),
    );
    const whole = { start: lsnAt(from), end: range.end };
    const bytes = await readWal(walDirectory, timeline, whole, segmentBytes);
    if (bytes === null) return;
    const archive = await this.#options.archive(signal);
    const piece = await putPiece(archive, { timeline, ...whole }, bytes, signal);
    term.pieces.push(piece);
    if (!merge) return;
    await archive.store.deleteMany(
      recent.map(({ key }) => key),
      { signal },
    );
    term.pieces = term.pieces.filter((one) => one === piece || !recent.includes(one));
  }

  async #dropArchived(term: Term, reach: Reach, segmentBytes: number, signal: AbortSignal): Promise<void> {
    if (this.#oldTailsLeft && this.#archived.size > 0)
      this.#oldTailsLeft = await sweepOldTails(
        await this.#options.archive(signal),
        reach,
        segmentBytes,
        signal,
      );
    const gone = term.pieces.filter(({ timeline, start }) =>
      this.#archived.has(segmentName(segmentAt(timeline, start, segmentBytes), segmentBytes)),
    );
    if (gone.length > 0) {
      const { store } = await this.#options.archive(signal);
      await store.deleteMany(
        gone.map(({ key }) => key),
        { signal },
      );
      term.pieces = term.pieces.filter((piece) => !gone.includes(piece));
    }
    const current = segmentName(segmentAt(term.timeline, term.position, segmentBytes), segmentBytes);
    for (const file of this.#archived) if (file < current) this.#archived.delete(file);
  }

  /** Which of the segments that have pieces the archive has. */
  async #noteArchived(
    { store, codec }: WalArchive,
    timeline: TimelineId,
    pieces: readonly StoredPiece[],
    segmentBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    const files = new Set(
      pieces.map(({ start }) => segmentName(segmentAt(timeline, start, segmentBytes), segmentBytes)),
    );
    for (const file of files)
      if ((await variantOf(store, codec, walName(file), signal)) !== null) this.#archived.add(file);
  }
}

/** A piece of the same name has the same bytes: WAL up to there is confirmed, so none of it ever changes. */
async function putPiece(
  { store, codec }: WalArchive,
  piece: TailPiece,
  bytes: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<StoredPiece> {
  const name = tailName(piece);
  const key = codec.keyOf(name);
  const metadata = codec.metadataFor(await sha256Of(bytes));
  await store.create(key, await codec.encodeBytes(name, bytes), { metadata, signal });
  return { ...piece, key };
}
