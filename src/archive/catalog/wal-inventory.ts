import { lsnBytes } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import { parseHistory, timelineOfHistoryFile } from '../../postgres/volume/timeline-history.ts';
import { type Codec, parseEncodedName } from '../codec/codec.ts';
import { ObjectDamagedError, ObjectMissingError } from '../errors.ts';
import { TAIL_FOLDER } from '../layout.ts';
import { collect } from '../store/content.ts';
import { parseTailKey, type StoredPiece } from '../tail/names.ts';
import { parseSegment, walFileKind } from '../wal/names.ts';
import { inParallel } from './in-parallel.ts';
import type { CatalogSource } from './list-backups.ts';
import { SegmentRuns } from './segment-runs.ts';

/** WAL of one timeline in an archive. */
export interface TimelineWal {
  readonly timeline: TimelineId;
  readonly segments: SegmentRuns;
  /** Pieces of the live tail, by where they begin. */
  readonly tail: readonly StoredPiece[];
  /** Names of `.backup` files. */
  readonly labels: readonly string[];
  /** When the youngest segment or piece was written; null: there is none. */
  readonly modifiedAt: Date | null;
}

export interface DamagedHistory {
  readonly timeline: TimelineId;
  readonly key: string;
  readonly why: string;
}

/** What an archive has of WAL. */
export interface WalInventory {
  readonly segmentBytes: number;
  readonly timelines: ReadonlyMap<TimelineId, TimelineWal>;
  /** How each timeline came to be; the first has no history. */
  readonly histories: ReadonlyMap<TimelineId, readonly TimelineFork[]>;
  /** Histories that are there and cannot be read. */
  readonly damaged: readonly DamagedHistory[];
  /** Keys in the folder of WAL that pgwarden cannot read: compressed otherwise, or no WAL at all. At most a few. */
  readonly unknown: readonly string[];
  /** Objects and bytes of WAL, the tail included. */
  readonly objects: number;
  readonly storedBytes: number;
}

const UNKNOWN_MAX = 20;
const AT_ONCE = 8;

/** Of WAL that an inventory is being made of. */
interface Gathered {
  readonly timeline: TimelineId;
  readonly numbers: Set<number>;
  readonly tail: StoredPiece[];
  readonly labels: string[];
  modifiedAt: Date | null;
}

/**
 * Takes stock of an archive's WAL by one listing of its folder, one of the tail's, and a look at each history.
 *
 * @throws ArchiveError
 */
export async function takeWalInventory(
  source: CatalogSource & { readonly codec: Codec },
  segmentBytes: number,
  signal: AbortSignal,
): Promise<WalInventory> {
  const { store, layout } = source;
  const gathered = new Map<TimelineId, Gathered>();
  const of = (timeline: TimelineId): Gathered => {
    const known = gathered.get(timeline) ?? {
      timeline,
      numbers: new Set(),
      tail: [],
      labels: [],
      modifiedAt: null,
    };
    gathered.set(timeline, known);
    return known;
  };
  const historyKeys = new Map<TimelineId, string>();
  const unknown: string[] = [];
  let objects = 0;
  let storedBytes = 0;
  for await (const { key, size, modifiedAt } of store.list(layout.walFolder, { signal })) {
    objects += 1;
    storedBytes += size;
    const { name } = parseEncodedName(key.slice(key.lastIndexOf('/') + 1));
    const kind = walFileKind(name);
    const history = timelineOfHistoryFile(name);
    const segment = parseSegment(name, segmentBytes);
    if (history !== null) historyKeys.set(history, key);
    else if (kind === 'segment' && segment !== null) {
      const wal = of(segment.timeline);
      wal.numbers.add(segment.number);
      wal.modifiedAt = later(wal.modifiedAt, modifiedAt);
    } else if (kind === 'backup' && segment !== null) of(segment.timeline).labels.push(name);
    else if (kind === null && unknown.length < UNKNOWN_MAX) unknown.push(key);
  }
  if (layout.kind === 'wal-g') {
    for await (const { key, size, modifiedAt } of store.list(TAIL_FOLDER, { signal })) {
      objects += 1;
      storedBytes += size;
      const piece = parseTailKey(key);
      if (piece === null) continue;
      const wal = of(piece.timeline);
      wal.tail.push(piece);
      wal.modifiedAt = later(wal.modifiedAt, modifiedAt);
    }
  }
  const timelines = [...gathered.values()].map(
    ({ timeline, numbers, tail, labels, modifiedAt }): TimelineWal => ({
      timeline,
      segments: SegmentRuns.of(numbers),
      tail: tail.sort((a, b) => lsnBytes(a.start) - lsnBytes(b.start)),
      labels,
      modifiedAt,
    }),
  );
  const read = await readHistories(source, historyKeys, signal);
  return {
    segmentBytes,
    timelines: new Map(timelines.map((one) => [one.timeline, one])),
    histories: new Map(read.flatMap((one) => ('forks' in one ? [[one.timeline, one.forks]] : []))),
    damaged: read.filter((one) => 'why' in one),
    unknown,
    objects,
    storedBytes,
  };
}

/** A placeholder, which skips a number and belongs to no history, is left out. */
async function readHistories(
  { store, codec }: CatalogSource & { readonly codec: Codec },
  keys: ReadonlyMap<TimelineId, string>,
  signal: AbortSignal,
): Promise<(DamagedHistory | { readonly timeline: TimelineId; readonly forks: readonly TimelineFork[] })[]> {
  const read = await inParallel([...keys], AT_ONCE, async ([timeline, key]) => {
    try {
      const { body } = await store.get(key, { signal });
      const forks = parseHistory((await collect(codec.decode(store.name, key, body))).toString('utf8'));
      return forks.length === 0 ? null : { timeline, forks };
    } catch (error) {
      if (error instanceof ObjectMissingError) return null;
      if (error instanceof ObjectDamagedError) return { timeline, key, why: error.message };
      throw error;
    }
  });
  return read.filter((one) => one !== null);
}

function later(a: Date | null, b: Date): Date {
  return a !== null && a > b ? a : b;
}
