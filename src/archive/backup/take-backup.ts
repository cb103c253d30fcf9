import { compareLsn, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineFork } from '../../ha/peer.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { SessionTarget } from '../../postgres/sql/session.ts';
import { readHistory } from '../../postgres/volume/timeline-history.ts';
import { segmentAt, segmentName } from '../wal/names.ts';
import type { WalArchive } from '../wal/push-file.ts';
import { awaitWal } from './await-wal.ts';
import { type BegunBackup, beginBackup } from './begin.ts';
import { BackupInterruptedError, BackupLabelError } from './errors.ts';
import { changesSince } from './increment.ts';
import { knownHistories } from './known-histories.ts';
import { parseLabel, withParent } from './label.ts';
import { removeUnfinished } from './leftovers.ts';
import type { BackupLock } from './lock.ts';
import { Manifest } from './manifest.ts';
import { laterSegments, neededWal, walRanges } from './needed-wal.ts';
import { findParent, type Parent } from './parent.ts';
import { type Since, writeParts } from './parts.ts';
import type { Primary } from './primary.ts';
import type { ProgressKeeper } from './progress.ts';
import { RateLimit } from './rate-limit.ts';
import { type WrittenBackup, writeSentinelLast } from './sentinel.ts';
import { BackupSession, type ClusterFacts, majorOf, type StartPoint, type StopPoint } from './session.ts';
import type { StoredTar } from './upload.ts';
import { measure, readTablespaces, type Tablespace, type WalkOptions, walk } from './walk.ts';
import { watchSession } from './watch-session.ts';
import { writeControlFile, writeLabel } from './write-control.ts';

export interface BackupOptions {
  readonly archive: WalArchive;
  /** The Postgres of `data`, by its socket, as a superuser. */
  readonly target: SessionTarget;
  readonly data: string;
  readonly primary: Primary;
  /** Whose data it is: goes into the sentinel as the host. */
  readonly member: string;
  /** Parts at once. */
  readonly parallel: number;
  /** Bytes of files a second; null: as fast as it goes. */
  readonly rate: number | null;
  readonly verifyChecksums: boolean;
  /** Only what changed since the newest backup; absent: everything. */
  readonly increment?: IncrementWish;
  /** How long WAL may take to be archived at the end, in milliseconds. */
  readonly walWithin: number;
  readonly progress: ProgressKeeper;
  /** What the primary could not be asked is tried again; told here. */
  onNudgeFailed(error: unknown): void;
}

export interface IncrementWish {
  /** So many follow one another; the next backup is whole. */
  readonly most: number;
  /** Everything is backed up all the same. */
  onWhole(why: string): void;
}

/** Removing what a failed one left. */
const CLEAN_WITHIN = 20_000;

/**
 * Takes a backup of the Postgres beside it straight into the archive. The caller holds the lock. Nothing of it counts
 * before the sentinel is written, which is when everything that a restore needs is in the archive.
 *
 * @throws BackupError, ArchiveError; what was written is removed then
 */
export async function takeBackup(
  options: BackupOptions,
  lock: BackupLock,
  signal: AbortSignal,
): Promise<WrittenBackup> {
  const ended = new AbortController();
  const bound = AbortSignal.any([signal, lock.lost, ended.signal]);
  const { archive, progress } = options;
  const session = await BackupSession.open(options.target, bound);
  let begun: BegunBackup | null = null;
  try {
    progress.set({ phase: 'checkpoint' });
    const facts = await session.facts(bound);
    const wanted = await parentFor(options, facts, bound);
    const startedAt = new Date();
    begun = await beginBackup(
      session,
      {
        store: archive.store,
        facts,
        primary: options.primary,
        claim: { member: options.member, startedAt: startedAt.toISOString() },
        label: `pgwarden ${options.member} ${startedAt.toISOString()}`,
      },
      bound,
    );
    progress.set({ name: begun.name });
    const running = {
      facts,
      startedAt,
      ...begun,
      ...(await sinceParent(options, session, wanted, begun, facts, bound)),
    };
    return await copyAndFinish(options, session, running, lock, ended, bound);
  } catch (error) {
    const { name } = begun ?? {};
    if (name !== undefined)
      // What cannot be removed now, the next backup removes.
      await removeUnfinished(archive.store, name, AbortSignal.timeout(CLEAN_WITHIN)).catch(() => undefined);
    if (lock.lost.aborted) throw lock.lost.reason;
    if (ended.signal.aborted) throw ended.signal.reason;
    throw error;
  } finally {
    session.close();
  }
}

interface Running extends BegunBackup {
  readonly facts: ClusterFacts;
  readonly startedAt: Date;
  /** Null: it is to be whole. */
  readonly parent: Parent | null;
  readonly since: Since | null;
}

/** Null: all is to be backed up; where that was not wished, why is told. */
async function parentFor(
  { archive, data, increment }: BackupOptions,
  facts: ClusterFacts,
  signal: AbortSignal,
): Promise<Parent | null> {
  if (increment === undefined) return null;
  const found =
    (await readTablespaces(data)).length > 0
      ? { why: 'the cluster has tablespaces' }
      : await findParent(archive, facts, increment.most, signal);
  if (!('why' in found)) return found;
  increment.onWhole(found.why);
  return null;
}

async function sinceParent(
  { data, progress, increment }: BackupOptions,
  session: BackupSession,
  parent: Parent | null,
  { start }: BegunBackup,
  facts: ClusterFacts,
  signal: AbortSignal,
): Promise<Pick<Running, 'parent' | 'since'>> {
  if (parent === null) return { parent: null, since: null };
  progress.set({ phase: 'changes' });
  const forks = await forksTo(data, start.timeline);
  const since = await changesSince(session, parent, start, forks, facts, signal);
  if (!('why' in since)) return { parent, since };
  increment?.onWhole(since.why);
  return { parent: null, since: null };
}

async function copyAndFinish(
  options: BackupOptions,
  session: BackupSession,
  running: Running,
  lock: BackupLock,
  ended: AbortController,
  signal: AbortSignal,
): Promise<WrittenBackup> {
  const { archive, data, progress } = options;
  const { facts, start, name, parent } = running;
  progress.set({ phase: 'copy', copyingSince: new Date() });
  const manifest = new Manifest(majorOf(facts), facts.systemIdentifier);
  const tars: StoredTar[] = [];

  const tablespaces = await readTablespaces(data);
  const copied = new AbortController();
  const watched = watchSession(session, facts.inRecovery, copied.signal, (error) => ended.abort(error));
  try {
    tars.push(...(await copyFiles(options, running, manifest, tablespaces, signal)));
    tars.push(await writeControlFile(archive, name, data, manifest, signal));
  } finally {
    copied.abort();
    await watched;
  }
  signal.throwIfAborted();
  progress.set({ phase: 'stop' });
  const stop = await session.stop(signal);
  requireLabel(stop, start, facts);
  const ranges = walRanges(start, stop, await forksTo(data, stop.timeline));
  const label = parent === null ? stop.label : withParent(stop.label, parent.backup);
  tars.push(await writeLabel(archive, name, { ...stop, label }, manifest, ranges, signal));

  const files = neededWal(ranges, stop.timeline, facts.walSegmentBytes);
  progress.set({ phase: 'wait-for-wal' });
  await awaitWal(
    {
      archive,
      files,
      last: {
        file: files.at(-1) ?? '',
        instead: async () =>
          laterSegments(stop, await knownHistories(`${data}/pg_wal`), facts.walSegmentBytes),
      },
      within: options.walWithin,
      nudge: async (nudging) => {
        // A primary ends its segment by itself when it stops a backup.
        if (!facts.inRecovery) return;
        await options.primary.switchWal({ checkpoint: false }, nudging).catch(options.onNudgeFailed);
      },
      onMissing: () => undefined,
    },
    signal,
  );

  progress.set({ phase: 'sentinel' });
  const finishedAt = new Date();
  return await writeSentinelLast(
    {
      archive,
      name,
      member: options.member,
      facts,
      start,
      stop,
      startedAt: running.startedAt,
      finishedAt,
      tablespaces,
      tars,
      checksumsVerified: facts.checksums && options.verifyChecksums,
      files: manifest.files,
      dataBytes: progress.now.readBytes,
      parent,
    },
    lock,
    signal,
  );
}

async function copyFiles(
  options: BackupOptions,
  { facts, start, name, since }: Running,
  manifest: Manifest,
  tablespaces: readonly Tablespace[],
  signal: AbortSignal,
): Promise<StoredTar[]> {
  const { archive, data, parallel, rate, progress } = options;
  const walking: WalkOptions = {
    data,
    major: majorOf(facts),
    statsTempDirectory: facts.statsTempDirectory,
    tablespaces: new Set(tablespaces.map(({ oid }) => oid)),
  };
  // How much of the files changed, only reading them tells.
  if (since === null) progress.set({ totalBytes: await measure(walking, signal) });
  return await writeParts(
    {
      archive,
      name,
      data,
      parallel,
      pages:
        facts.checksums && options.verifyChecksums
          ? {
              pageBytes: facts.pageBytes,
              segmentPages: facts.segmentPages,
              startLsn: lsnBytes(start.lsn),
            }
          : null,
      since,
      rate: rate === null ? null : new RateLimit(rate),
      manifest,
      onRead: (bytes) => progress.read(bytes),
      onStored: (bytes) => progress.stored(bytes),
    },
    walk(walking),
    signal,
  );
}

/** Those that led to a timeline, the oldest first. */
async function forksTo(data: string, timeline: TimelineId): Promise<readonly TimelineFork[]> {
  const forks = await readHistory(`${data}/pg_wal`, timeline);
  if (forks) return forks;
  throw new BackupInterruptedError(`the history of timeline ${timeline} is gone`);
}

/** The name was made of where the backup was seen to begin: the label is Postgres's own word. */
function requireLabel(stop: StopPoint, start: StartPoint, { walSegmentBytes }: ClusterFacts): void {
  const label = parseLabel(stop.label);
  const file = segmentName(segmentAt(start.timeline, start.lsn, walSegmentBytes), walSegmentBytes);
  if (compareLsn(label.startLsn, start.lsn) !== 0 || label.startFile !== file)
    throw new BackupLabelError(
      `it begins at ${label.startLsn} in ${label.startFile}, not at ${start.lsn} in ${file}`,
    );
}
