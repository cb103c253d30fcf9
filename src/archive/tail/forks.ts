import { type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import { parseHistory, timelineOfHistoryFile } from '../../postgres/volume/timeline-history.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { collect } from '../store/content.ts';
import { hex8 } from '../wal/names.ts';
import type { WalSource } from '../wal/source.ts';

/** A history in the archive. */
interface StoredHistory {
  readonly timeline: TimelineId;
  /** None: it is a placeholder, for a number that was skipped. */
  readonly forks: readonly TimelineFork[];
}

/**
 * Where a timeline was left for a later one, by the histories in the archive; null: it was not. Only settled epochs
 * have a history there, so what a timeline has beyond that point is nobody's.
 */
export async function leftAt(
  source: WalSource,
  timeline: TimelineId,
  signal: AbortSignal,
): Promise<Lsn | null> {
  let earliest: Lsn | null = null;
  for await (const { forks } of historiesAfter(source, timeline, signal)) {
    const fork = forks.find((one) => one.timeline === timeline);
    if (fork !== undefined && (earliest === null || lsnBytes(fork.switchLsn) < lsnBytes(earliest)))
      earliest = fork.switchLsn;
  }
  return earliest;
}

/**
 * Whether a later timeline than this one has a history of its own. Postgres looks for the newest timeline by one number
 * after the other, and stops at the first that is absent: one that was skipped must not hide what is behind it.
 */
export async function hasHistoryAfter(
  source: WalSource,
  timeline: TimelineId,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const { forks } of historiesAfter(source, timeline, signal)) if (forks.length > 0) return true;
  return false;
}

async function* historiesAfter(
  { store, codec, layout }: WalSource,
  timeline: TimelineId,
  signal: AbortSignal,
): AsyncGenerator<StoredHistory> {
  const folder = layout.walFolder;
  // A history sorts before all segments of its timeline: from one to the next, past what lies between.
  let after = `${folder}${hex8(timeline)}~`;
  for (;;) {
    const next = await firstAfter(store.list(folder, { startAfter: after, signal }));
    if (next === null) return;
    const file = parseEncodedName(next).name.slice(folder.length);
    const other = timelineOfHistoryFile(file);
    if (other !== null) {
      const { body } = await store.get(next, { signal });
      const text = (await collect(codec.decode(store.name, next, body))).toString('utf8');
      yield { timeline: other, forks: parseHistory(text) };
    }
    after = `${folder}${file.slice(0, 8)}~`;
  }
}

async function firstAfter(list: AsyncIterable<{ readonly key: string }>): Promise<string | null> {
  for await (const { key } of list) return key;
  return null;
}
