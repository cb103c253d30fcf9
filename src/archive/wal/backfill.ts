import { readdir } from 'node:fs/promises';
import { parseEncodedName } from '../codec/codec.ts';
import { ArchiveError } from '../errors.ts';
import { WAL_FOLDER, walName } from '../layout.ts';
import type { ObjectStore } from '../store/ports.ts';
import { timelineOfName, walFileKind } from './names.ts';
import { judge, type Reach } from './permit.ts';
import { ReadyFiles } from './ready-files.ts';

export interface Backfill {
  readonly walDirectory: string;
  readonly segmentBytes: number;
  readonly reach: Reach;
  /** Null: it cannot be asked; everything is offered then. */
  readonly store: ObjectStore | null;
  readonly signal: AbortSignal;
}

/**
 * After a promotion: offers the archive what the old primary may not have come to. Postgres marks all WAL that it
 * streamed as archived (walreceiver.c, XLogArchiveForceDone), and would leave a hole for what the old primary still
 * had to archive when it died. Only segments that end at or before the point where their timeline was left. Histories
 * of the way here go along: whoever restores needs them.
 *
 * @returns the names that were offered
 */
export async function offerOldTimelines(work: Backfill): Promise<readonly string[]> {
  const { walDirectory, reach, segmentBytes } = work;
  const candidates = (await readdir(walDirectory))
    .filter((name) => {
      const kind = walFileKind(name);
      if (kind !== 'segment' && kind !== 'history') return false;
      if (kind === 'segment' && timelineOfName(name) >= reach.timeline) return false;
      return judge(name, reach, segmentBytes).verdict === 'push';
    })
    .sort();
  const ready = new ReadyFiles(walDirectory);
  const waiting = new Set(await ready.list());
  const archived = await archivedNames(work, candidates);
  const offered: string[] = [];
  for (const name of candidates) {
    if (waiting.has(name) || archived.has(name)) continue;
    await ready.offer(name);
    offered.push(name);
  }
  return offered;
}

/** Which of these the archive has. A store that cannot tell has none: what is pushed twice does no harm. */
async function archivedNames(work: Backfill, candidates: readonly string[]): Promise<ReadonlySet<string>> {
  const archived = new Set<string>();
  const { store, signal } = work;
  if (store === null) return archived;
  try {
    for (const timeline of new Set(candidates.map((name) => name.slice(0, 8)))) {
      const first = candidates.find((name) => name.startsWith(timeline));
      if (first === undefined) continue;
      // The key without an extension sorts before all that have one.
      for await (const { key } of store.list(walName(timeline), {
        startAfter: walName(previous(first)),
        signal,
      }))
        archived.add(parseEncodedName(key).name.slice(WAL_FOLDER.length));
    }
  } catch (error) {
    if (!(error instanceof ArchiveError) || error.code === 'ARCHIVE_CANCELLED') throw error;
  }
  return archived;
}

/** A text right before this one, in the order of keys. */
function previous(name: string): string {
  return name.slice(0, -1);
}
