import { type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { parseHistory, timelineOfHistoryFile } from '../../postgres/volume/timeline-history.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { collect } from '../store/content.ts';
import { hex8, timelineOfName } from '../wal/names.ts';
import type { WalSource } from '../wal/source.ts';

/**
 * Where a timeline was left for a later one, by the histories in the archive; null: it was not. Only settled epochs
 * have a history there, so what a timeline has beyond that point is nobody's.
 */
export async function leftAt(
  { store, codec, layout }: WalSource,
  timeline: TimelineId,
  signal: AbortSignal,
): Promise<Lsn | null> {
  let earliest: Lsn | null = null;
  const folder = layout.nameOf('');
  // A history sorts before all segments of its timeline: from one to the next, past what lies between.
  let after = `${layout.nameOf(hex8(timeline))}~`;
  for (;;) {
    const next = await firstAfter(store.list(folder, { startAfter: after, signal }));
    if (next === null) return earliest;
    const file = parseEncodedName(next).name.slice(folder.length);
    const other = timelineOfHistoryFile(file);
    if (other !== null) {
      const { body } = await store.get(next, { signal });
      const text = (await collect(codec.decode(store.name, next, body))).toString('utf8');
      const fork = parseHistory(text).find((one) => one.timeline === timeline);
      if (fork !== undefined && (earliest === null || lsnBytes(fork.switchLsn) < lsnBytes(earliest)))
        earliest = fork.switchLsn;
    }
    after = `${layout.nameOf(hex8(timelineOfName(file)))}~`;
  }
}

async function firstAfter(list: AsyncIterable<{ readonly key: string }>): Promise<string | null> {
  for await (const { key } of list) return key;
  return null;
}
