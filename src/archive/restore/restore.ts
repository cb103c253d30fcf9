import { appendFile, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { errnoOf } from '../../postgres/errors.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import type { ServerMessage } from '../../postgres/process/server-log.ts';
import { syncPath } from '../../postgres/volume/durable.ts';
import type { PrivateServer } from '../../postgres/work/private-server.ts';
import type { Pause } from '../../postgres/work/recover.ts';
import type { ArchiveError } from '../errors.ts';
import { combine, moveCombined, placesInChain } from './combine.ts';
import {
  clear,
  LOCK,
  lookInto,
  type RestoreNote,
  removeNote,
  requireEmptyPlaces,
  requireFree,
  WORK_FOLDER,
  writeNote,
} from './directory.ts';
import type { Places } from './entry-place.ts';
import { RecoveryError } from './errors.ts';
import { fetchBackup, syncAll } from './fetch-backup.ts';
import { finishUnpacking } from './finish-unpacking.ts';
import { holdLock } from './hold-lock.ts';
import { checkManifest, type ManifestCheck } from './manifest.ts';
import { requireAllParts } from './part-list.ts';
import { partsOf } from './parts.ts';
import type { RestorePlan } from './plan.ts';
import type { ReportRestore } from './progress.ts';
import { endOf, markForRecovery, replay } from './replay.ts';
import type { RestoreSource } from './source.ts';
import type { TablespacePlaces } from './tablespaces.ts';
import { isFurther, isSameTarget } from './target.ts';

export interface RestoreOptions {
  readonly source: RestoreSource;
  readonly plan: RestorePlan;
  readonly data: string;
  readonly tablespaces: TablespacePlaces;
  /** Null: they are not installed, and nothing is replayed here. */
  readonly binaries: Binaries | null;
  /** Settings for the Postgres that will replay; null: it is done here and now. */
  readonly leaveReplay: (() => Promise<readonly string[]>) | null;
  readonly parallel: number;
  readonly report: ReportRestore;
  /** What an earlier run left is taken up, or goes. */
  onFound(what: 'continued' | 'cleared'): void;
  onWaiting(what: string, error: ArchiveError): void;
  onMessage(message: ServerMessage): void;
  /** Absent: it is promoted at the target. */
  readonly pause?: Pause;
  onPromoted?: (server: PrivateServer, signal: AbortSignal) => Promise<void>;
  /** A file that every process of the recovery holds locked; absent: one of this restore's own. */
  readonly lock?: string;
  /** The timeline that it is promoted to is above this one; absent: whichever comes next. */
  readonly above?: TimelineId;
}

/** What a restore has brought about. */
export interface Restored {
  readonly backup: string;
  readonly systemIdentifier: string | null;
  /** Null: WAL is still to be replayed, by the start of Postgres. */
  readonly recovered: {
    readonly timeline: TimelineId | null;
    readonly lsn: Lsn;
    /** In Postgres's words; null: at the end of WAL. */
    readonly stopped: string | null;
    readonly lastTransaction: string | null;
    /** False: it was left at the target, and can go further. Postgres is not to be started in it. */
    readonly promoted: boolean;
  } | null;
  readonly manifest: ManifestCheck;
}

/**
 * Carries out a plan: unpacks the backup into `data`, which must be empty or absent, and replays WAL to the target.
 * Cut off at any point it leaves a directory that Postgres does not start in and that says what it is (or, once
 * recovery runs, one that goes on recovering); the next run with the same plan goes on, one with another starts over.
 *
 * @throws RestoreError, ArchiveError, PostgresError
 */
export async function restore(options: RestoreOptions, signal: AbortSignal): Promise<Restored> {
  const { plan, data, report, binaries } = options;
  const begun = await begin(options);
  await using _ = begun.lock;
  const work = join(data, WORK_FOLDER);
  const places: Places = { data, tablespaces: options.tablespaces, held: join(work, 'held') };
  let note = begun.note;
  let manifest: ManifestCheck = 'checked';
  if (note.phase === 'unpacking') {
    if (plan.chain.length === 1) {
      note = await unpackAll(options, places, note, signal);
      report({ ...NOTHING, phase: 'checking', detail: 'comparing the files with the manifest' });
      manifest = await checkManifest(options.source, plan.backup, data, binaries, signal);
    } else note = await unpackChain(options, places, note, signal);
    await markForRecovery(data);
    await writeNote(data, { ...note, phase: 'recovering' });
  }
  await keepOutOfArchive(data);
  const done = { backup: plan.backup.id, systemIdentifier: plan.backup.systemIdentifier, manifest };
  if (options.leaveReplay !== null || binaries === null) {
    const lines = (await options.leaveReplay?.()) ?? [];
    await appendFile(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
    await syncPath(join(data, 'postgresql.auto.conf'));
    await removeNote(data);
    return { ...done, recovered: null };
  }
  if (options.pause !== undefined) await requirePausable(data, plan);
  const story = await replay(
    { ...options, binaries, work, lock: options.lock ?? join(work, 'lock') },
    signal,
  );
  report({ ...NOTHING, phase: 'finishing', detail: 'at the target' });
  // How this recovery was started: no later start is to be like it.
  await rm(join(data, 'postmaster.opts'), { force: true });
  const promoted = !story.paused || story.promoted;
  if (promoted) await removeNote(data);
  const { timeline, stopped, lastTransaction } = story;
  return { ...done, recovered: { timeline, lsn: endOf(story, plan), stopped, lastTransaction, promoted } };
}

const NOTHING = { done: 0, total: null, rate: null, remaining: null } as const;

/** What a run goes on with where another ended: the same backup along the same timelines. */
function planKey(source: RestoreSource, plan: RestorePlan): string {
  return JSON.stringify([source.store.name, plan.backup.id, plan.timeline]);
}

async function begin(
  options: RestoreOptions,
): Promise<{ readonly note: RestoreNote; readonly lock: AsyncDisposable }> {
  const { source, plan, data, tablespaces } = options;
  requireFree(data, await lookInto(data));
  const fresh: RestoreNote = {
    format: 1,
    plan: planKey(source, plan),
    target: plan.target,
    backup: plan.backup.id,
    phase: 'unpacking',
    parts: [],
    tablespaces: [...tablespaces.values()],
  };
  const work = join(data, WORK_FOLDER);
  await mkdir(work, { recursive: true, mode: 0o700 });
  const lock = await holdLock(join(work, LOCK), data);
  try {
    const found = await lookInto(data);
    const note = found.kind === 'begun' ? found.note : null;
    if (note !== null && (await mayGoOn(data, note, fresh))) {
      options.onFound('continued');
      const goesOn = { ...note, target: fresh.target };
      await writeNote(data, goesOn);
      return { note: goesOn, lock };
    }
    if (note !== null) {
      options.onFound('cleared');
      await clear(data, note);
    }
    await requireEmptyPlaces(tablespaces);
    await writeNote(data, fresh);
    return { note: fresh, lock };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** Whether what is there leads to the target that is wanted now: the same, or one that replay has not passed. */
async function mayGoOn(data: string, note: RestoreNote, wanted: RestoreNote): Promise<boolean> {
  if (note.plan !== wanted.plan || !same(note.tablespaces, wanted.tablespaces)) return false;
  if (note.phase === 'unpacking' || isSameTarget(note.target, wanted.target)) return true;
  // Once it was promoted it is on a timeline of its own.
  return isFurther(note.target, wanted.target) && (await isThere(join(data, 'recovery.signal')));
}

/** @throws RestoreError where there is no target to pause at, or it was passed already */
async function requirePausable(data: string, plan: RestorePlan): Promise<void> {
  if (plan.target.kind !== 'latest' && (await isThere(join(data, 'recovery.signal')))) return;
  throw new RecoveryError(
    plan.target.kind === 'latest' ? 'there is no target to pause at' : 'it was promoted already',
    plan.target.kind === 'latest'
      ? 'Name one: --to-time, --to-lsn, --to-xid, --to-name or --immediate.'
      : 'Run it without --pause to finish it, or restore into another directory.',
  );
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

async function unpackAll(
  options: RestoreOptions,
  places: Places,
  note: RestoreNote,
  signal: AbortSignal,
  backup = options.plan.backup,
): Promise<RestoreNote> {
  const { source, parallel, report, onWaiting } = options;
  const parts = await partsOf(source, backup, signal);
  await requireAllParts(source, backup, parts, signal);
  const fetched = await fetchBackup(
    { source, backup, parts, places, note, noted: options.data, parallel, report, onWaiting },
    signal,
  );
  await finishUnpacking(places, backup, signal);
  return fetched;
}

/** Unpacks each backup of a chain beside the others, compares it with its manifest, and puts them together. */
async function unpackChain(
  options: RestoreOptions,
  places: Places,
  note: RestoreNote,
  signal: AbortSignal,
): Promise<RestoreNote> {
  const { source, plan, data, binaries, report } = options;
  if (binaries === null) throw new TypeError('a chain of backups without pg_combinebackup');
  let now = note;
  if (now.combined !== true) {
    for (const backup of plan.chain) {
      const apart = placesInChain(data, backup);
      await mkdir(apart.data, { recursive: true, mode: 0o700 });
      now = await unpackAll(options, apart, now, signal, backup);
      report({ ...NOTHING, phase: 'checking', detail: `comparing ${backup.id} with its manifest` });
      await checkManifest(source, backup, apart.data, binaries, signal);
    }
    report({ ...NOTHING, phase: 'checking', detail: `putting ${plan.chain.length} backups together` });
    await combine(data, plan.chain, binaries, signal);
    await syncAll(places, signal);
    now = { ...now, combined: true };
    await writeNote(data, now);
  }
  await moveCombined(places);
  await finishUnpacking(places, plan.backup, signal);
  return now;
}

/**
 * What was backed up may say where its source archives to: whoever starts this directory by hand would write there.
 * pgwarden's own settings are on its command line, so nothing changes for it.
 */
async function keepOutOfArchive(data: string): Promise<void> {
  const path = join(data, 'postgresql.auto.conf');
  const text = await readFile(path, 'utf8').catch(absentIsEmpty);
  if (!text.includes(OUT_OF_ARCHIVE)) {
    await appendFile(path, `\n${OUT_OF_ARCHIVE}\narchive_mode = off\n`, { mode: 0o600 });
    await syncPath(path);
  }
  // Debian keeps it elsewhere; a directory that is to be started by "pg_ctl -D" needs one.
  await appendFile(join(data, 'postgresql.conf'), '', { mode: 0o600 });
}

const OUT_OF_ARCHIVE =
  '# By pgwarden restore: a restored twin must not write into the archive of its source.';

function absentIsEmpty(error: unknown): string {
  if (errnoOf(error) === 'ENOENT') return '';
  throw error;
}
