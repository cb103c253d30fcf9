import { setTimeout as sleep } from 'node:timers/promises';
import { compareLsn } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import { BlockChanges, coveredTo } from './block-changes.ts';
import { incrementPath } from './incremental-file.ts';
import type { WalRange } from './manifest.ts';
import { walRanges } from './needed-wal.ts';
import { leadsTo, type NoParent, type Parent } from './parent.ts';
import type { Since } from './parts.ts';
import type { BackupSession, ClusterFacts, StartPoint } from './session.ts';

/** The summarizer writes one as soon as it has read a checkpoint; while it gets on, it is waited for. */
const NO_PROGRESS = 60_000;
const LOOK_EVERY = 250;

/**
 * What changed between a parent backup and the start of the one that has begun, by the summaries that this server
 * keeps. Or why that is not known here: a server keeps them for a time (wal_summary_keep_time), and one that was
 * cloned since has none of before.
 *
 * @throws BackupError
 */
export async function changesSince(
  session: BackupSession,
  parent: Parent,
  start: StartPoint,
  forks: readonly TimelineFork[],
  facts: ClusterFacts,
  signal: AbortSignal,
): Promise<Since | NoParent> {
  if (!leadsTo(parent, start, forks))
    return { why: `${parent.backup.id} has WAL that is not of this history: a takeover left it behind` };
  const { startLsn: lsn, timeline } = parent.backup;
  const ranges = walRanges({ lsn, timeline }, start, forks);
  const missing = await untilSummarized(session, ranges, signal);
  if (missing !== null) return { why: `this server has no summary of WAL from ${missing} on` };
  const format = { pageBytes: facts.pageBytes, segmentPages: facts.segmentPages };
  const changes = new BlockChanges(facts.segmentPages);
  for (const range of ranges)
    for await (const file of session.changedFiles(range, facts.segmentPages, signal)) changes.add(file);
  const { files } = parent.manifest;
  return {
    format,
    // What is in no manifest may be of after the start, of which no summary tells.
    of: (path) => (files.has(path) || files.has(incrementPath(path)) ? changes.of(path) : 'whole'),
  };
}

/** Null: they cover it all; else where the first gap begins. */
async function untilSummarized(
  session: BackupSession,
  ranges: readonly WalRange[],
  signal: AbortSignal,
): Promise<string | null> {
  let before = '';
  for (let since = performance.now(); ; ) {
    const summaries = await session.walSummaries(signal);
    const covered = ranges.map((range) => ({ range, to: coveredTo(summaries, range) }));
    const gap = covered.find(({ range, to }) => compareLsn(to, range.end) < 0);
    if (gap === undefined) return null;
    const now = covered.map(({ to }) => to).join(' ');
    if (now !== before) since = performance.now();
    before = now;
    // One that begins behind the gap will not be made any more.
    const isPast = summaries.some(
      ({ timeline, start }) => timeline >= gap.range.timeline && compareLsn(start, gap.to) > 0,
    );
    if (isPast || performance.now() - since > NO_PROGRESS)
      return `${gap.to} of timeline ${gap.range.timeline}`;
    await sleep(LOOK_EVERY, undefined, { signal });
  }
}
