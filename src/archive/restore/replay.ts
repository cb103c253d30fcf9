import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lsn, lsnAt, lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { PostgresError } from '../../postgres/errors.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { isLockFree } from '../../postgres/process/lock.ts';
import { killAll } from '../../postgres/process/orphans.ts';
import type { ServerMessage } from '../../postgres/process/server-log.ts';
import { ControlFileReader } from '../../postgres/volume/control-file.ts';
import { syncPath } from '../../postgres/volume/durable.ts';
import { reserveTimelines } from '../../postgres/volume/timeline-history.ts';
import type { PrivateServer } from '../../postgres/work/private-server.ts';
import { type Pause, recoverAndPromote } from '../../postgres/work/recover.ts';
import type { RecoveryStory } from '../../postgres/work/recovery-log.ts';
import { installAskScript, restoreCommand } from '../commands.ts';
import type { ArchiveError } from '../errors.ts';
import { Spool } from '../spool.ts';
import { answerFetch } from '../wal/answers.ts';
import { WalFetcher } from '../wal/fetcher.ts';
import { parseSegment } from '../wal/names.ts';
import { serveWal } from '../wal/wal-socket.ts';
import { DamagedBackupError, RecoveryError, TargetNotReachedError } from './errors.ts';
import type { RestorePlan } from './plan.ts';
import { Pace, type ReportRestore } from './progress.ts';
import type { RestoreSource } from './source.ts';
import { describeTarget, targetSettings } from './target.ts';

export interface ReplayOptions {
  readonly source: RestoreSource;
  readonly plan: RestorePlan;
  readonly binaries: Binaries;
  readonly data: string;
  /** A folder on the same file system as pg_wal, for WAL that is fetched ahead. */
  readonly work: string;
  readonly report: ReportRestore;
  /** The store fails, and is asked again: recovery waits. */
  onWaiting(file: string, error: ArchiveError): void;
  onMessage(message: ServerMessage): void;
  /** Absent: it is promoted at the target. */
  readonly pause?: Pause;
  onPromoted?: (server: PrivateServer, signal: AbortSignal) => Promise<void>;
  /** A file that every process of the recovery holds locked. */
  readonly lock: string;
  /** The timeline that it is promoted to is above this one; absent: whichever comes next. */
  readonly above?: TimelineId;
}

/** How many segments are fetched ahead of replay. */
const AHEAD = 8;
const REPORT_EVERY = 250;
const ORPHANS_WITHIN = 30_000;
/** Of a socket that nobody else can reach. */
const PORT = 5432;

/**
 * Replays WAL of the archive up to the target, promotes, and stops: the directory is then one that any start of
 * Postgres opens, at the target. A fault of the store is waited out, however long it takes.
 *
 * @throws TargetNotReachedError, RecoveryError, PostgresError
 */
export async function replay(options: ReplayOptions, signal: AbortSignal): Promise<RecoveryStory> {
  const { source, plan, binaries, data, work } = options;
  const control = await new ControlFileReader(binaries.directory, data).read(signal);
  if (control === null) throw new DamagedBackupError(plan.backup.id, 'it has no control file');
  // Of a run that was killed: it would go on for a minute, until nobody has answered its restore_command.
  if (!(await isLockFree(options.lock, signal)))
    await killAll(data, options.lock, AbortSignal.any([signal, AbortSignal.timeout(ORPHANS_WITHIN)]));
  if (options.above !== undefined) await reserveTimelines(join(data, 'pg_wal'), plan.timeline, options.above);
  const run = await mkdtemp(join(tmpdir(), 'pgwarden-recover-'));
  const spool = new Spool(work);
  await spool.empty();
  const serving = new AbortController();
  const told = new Telling(options);
  const fetcher = new WalFetcher({
    source,
    spool,
    segmentBytes: plan.segmentBytes,
    useTail: source.layout.kind === 'wal-g',
    ahead: AHEAD,
    onWaiting: (file, error) => {
      options.onWaiting(file, error);
      told.waiting(`waits for the store: ${error.message}`);
    },
    onFetched: () => undefined,
  });
  const socket = join(run, 's');
  const listening = Promise.withResolvers<void>();
  const ended = Promise.allSettled([
    fetcher.run(serving.signal),
    serveWal(
      socket,
      { fetch: (file, gone) => answerFetch(file, fetcher, gone) },
      serving.signal,
      listening.resolve,
    ).catch(listening.reject),
  ]);
  try {
    await listening.promise;
    const script = await installAskScript(run);
    const settings = {
      restoreCommand: restoreCommand({ spool, script, socket }, 'recovery'),
      target: targetSettings(plan.target),
      timeline: plan.timeline === plan.backup.timeline ? ('current' as const) : plan.timeline,
      action: options.pause === undefined ? ('promote' as const) : ('pause' as const),
      required: control.required,
      runDirectory: run,
      port: PORT,
    };
    const story = await recoverAndPromote(
      {
        binaries,
        data,
        settings,
        lock: options.lock,
        ...(options.pause === undefined ? {} : { pause: options.pause }),
        ...(options.onPromoted === undefined ? {} : { onPromoted: options.onPromoted }),
        onMessage: options.onMessage,
        onStory: (now) => told.story(now),
      },
      signal,
    );
    return story;
  } catch (error) {
    signal.throwIfAborted();
    throw explained(error, plan);
  } finally {
    serving.abort();
    await ended;
    await rm(run, { recursive: true, force: true });
  }
}

/** Makes the next start of Postgres in this directory a recovery from the archive. */
export async function markForRecovery(data: string): Promise<void> {
  await writeFile(join(data, 'recovery.signal'), '');
  await syncPath(data);
}

/** How far it is, by the names of the files that Postgres takes. */
class Telling {
  readonly #options: ReplayOptions;
  readonly #pace = new Pace();
  readonly #from: number;
  readonly #total: number;
  #at: number;
  #detail = '';
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayOptions) {
    this.#options = options;
    const { backup, until, target } = options.plan;
    this.#from = lsnBytes(backup.startLsn);
    this.#at = this.#from;
    const end = target.kind === 'lsn' ? target.lsn : target.kind === 'immediate' ? backup.endLsn : until;
    this.#total = Math.max(0, lsnBytes(options.plan.foundAt ?? end) - this.#from);
  }

  story({ restored, paused, promoted, redoneTo, stopped }: RecoveryStory): void {
    const segment = restored === null ? null : parseSegment(restored, this.#options.plan.segmentBytes);
    if (segment !== null) this.#at = Math.max(this.#from, segment.number * this.#options.plan.segmentBytes);
    if (redoneTo !== null) this.#at = lsnBytes(redoneTo);
    this.#detail =
      promoted || paused ? 'at the target' : stopped !== null ? `stops ${stopped}` : (restored ?? '');
    this.#tell(stopped !== null || promoted);
  }

  waiting(detail: string): void {
    this.#detail = detail;
    this.#tell(true);
  }

  #tell(anyway: boolean): void {
    const now = performance.now();
    if (!anyway && now - this.#toldAt < REPORT_EVERY) return;
    this.#toldAt = now;
    const done = Math.min(this.#at - this.#from, this.#total);
    const pace = this.#pace.at(now, done, this.#total);
    this.#options.report({ phase: 'recovering', done, total: this.#total, ...pace, detail: this.#detail });
  }
}

function explained(error: unknown, plan: RestorePlan): unknown {
  if (!(error instanceof PostgresError) || error.code !== 'SERVER_EXITED') return error;
  if (/recovery ended before configured recovery target was reached/.test(error.message))
    return new TargetNotReachedError(describeTarget(plan.target), plan.range);
  if (/stop point is before consistent recovery point/.test(error.message))
    return new RecoveryError(
      `${describeTarget(plan.target)} is before the end of ${plan.backup.id} (${plan.backup.endLsn})`,
      'Restore an older backup (--backup), or name a later target.',
      error,
    );
  if (/could not restore file/.test(error.message))
    return new RecoveryError(
      `a file of WAL could not be had, and no waiting mends that: ${error.message}`,
      'See above what the store says. Nothing is lost: run the same command again, and it goes on where it was.',
      error,
    );
  return new RecoveryError(error.message, error.remedy, error);
}

/** The end of what was replayed, for a result. */
export function endOf(story: RecoveryStory, plan: RestorePlan): Lsn {
  return story.redoneTo ?? lsnAt(lsnBytes(plan.backup.endLsn));
}
