import { type FlushTrace, flushStalledSince, traceFlush } from '../ha/hung.ts';
import { LSN_ZERO, type Lsn } from '../ha/lsn.ts';
import { type Instant, type Millis, type TimelineId, timelineId } from '../ha/units.ts';
import type { ServerView } from '../ha/view.ts';
import type { InstanceDeps, InstanceOptions, Observation } from './ports.ts';
import { isLockFree } from './process/lock.ts';
import type { Postmaster } from './process/postmaster.ts';
import { ConnectProbe } from './sql/connect-probe.ts';
import type { LocalServer } from './sql/local-server.ts';
import { NO_TRACES, serverView, type Traces } from './sql/server-view.ts';
import { StatusReader } from './sql/status-reader.ts';
import type { ControlData, ControlFileReader } from './volume/control-file.ts';
import { checkDataDirectory, type DataPresence } from './volume/directory-check.ts';
import type { FactStore } from './volume/fact-store.ts';
import type { VolumePaths } from './volume/paths.ts';
import type { WalDirectory } from './volume/wal-directory.ts';
import { bounded } from './wait.ts';

/** How long a proof that nothing runs is good while nothing is launched. */
const PROOF_AGE_MS = 1_000;
const FILES_BOUND_MS = 5_000;

/** What the agent knows and Postgres does not tell. */
export interface Flags {
  promoting: boolean;
  /** False only when it is proven closed. */
  doorOpen: boolean;
  /** A change of the door failed. */
  doorInDoubt: boolean;
  /** The upstream said that WAL which this standby needs is gone. */
  walRemoved: boolean;
  /** The startup process paused replay: a hot-standby sensitive setting is lower than the primary's. */
  settingsTooLow: boolean;
}

export interface ObserverParts {
  readonly options: InstanceOptions;
  readonly paths: VolumePaths;
  readonly deps: InstanceDeps;
  readonly facts: FactStore;
  readonly postmaster: Postmaster;
  readonly server: LocalServer;
  readonly control: ControlFileReader;
  readonly wal: WalDirectory;
  readonly flags: Flags;
}

/** Collects the local view: plain data, within a deadline, whatever state Postgres is in. */
export class LocalObserver {
  readonly #parts: ObserverParts;
  readonly #status: StatusReader;
  readonly #probe: ConnectProbe;
  #traces: Traces = NO_TRACES;
  #flush: FlushTrace | null = null;
  #provenAt: Instant | null = null;
  #lastRun: { readonly timeline: TimelineId; readonly flushLsn: Lsn } | null = null;
  #pid: number | null = null;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    const now = (): Instant => parts.deps.clock.now();
    const { replication, application } = parts.options;
    this.#status = new StatusReader(parts.server, now, [
      [replication.name, application.owner.name],
      application.database,
    ]);
    this.#probe = new ConnectProbe(parts.server, now);
  }

  async observe(deadline: Millis): Promise<Observation> {
    const { facts, postmaster, deps } = this.#parts;
    this.#forgetOldServer();
    const accepting = postmaster.state.state === 'running' || postmaster.state.state === 'stopping';
    const server = accepting ? await this.#askServer(deadline) : null;
    const control = postmaster.state.state === 'running' ? null : await this.#controlFile();
    const presence = await this.#presence();
    const data =
      facts.broken || presence === 'partial' ? 'broken' : presence === 'present' ? 'present' : 'empty';
    const end = await this.#endOfWal(server, control);
    const known = facts.facts;
    return {
      observedAt: deps.clock.now(),
      data,
      systemIdentifier: data === 'present' ? (facts.identity?.systemIdentifier ?? '') : '',
      clusterUID: known.clusterUID,
      generation: data === 'empty' ? null : known.generation,
      kept: known.kept,
      identity: data === 'present' ? facts.memberIdentity : null,
      floor: known.floor,
      inherited: known.inherited,
      promise: known.promise,
      timelineEpochs: known.timelineEpochs,
      provenDead: await this.#provenDead(),
      control,
      ...end,
      walRemoved: this.#parts.flags.walRemoved,
      settingsTooLow: this.#parts.flags.settingsTooLow,
      server,
      silentSince: accepting ? this.#silentSince() : null,
      process: postmaster.state,
      lastConnectAt: this.#probe.lastConnectAt,
    };
  }

  /** A work replaced or changed the directory: what the last run said of it holds no more. */
  forget(): void {
    this.#lastRun = null;
    this.#provenAt = null;
    this.#parts.wal.forget();
  }

  close(): void {
    this.#status.reset();
  }

  #forgetOldServer(): void {
    const { pid } = this.#parts.postmaster;
    if (pid === this.#pid) return;
    this.#pid = pid;
    this.#status.reset();
    this.#probe.reset();
    this.#traces = NO_TRACES;
    this.#flush = null;
    this.#provenAt = null;
  }

  async #askServer(deadline: Millis): Promise<ServerView | null> {
    const { wal, flags } = this.#parts;
    // A promotion that ends during the look is still under way in what the look tells.
    const { promoting } = flags;
    const status = await this.#status.read(deadline);
    this.#probe.tick(status === null || status.row.waiting > 0);
    if (status === null) return null;
    if (!status.row.inRecovery) flags.promoting = false;
    const { view, traces } = serverView(status, this.#traces, {
      wal: await wal.look(),
      doorOpen: flags.doorOpen,
      doorInDoubt: flags.doorInDoubt,
      promoting: promoting || flags.promoting,
    });
    this.#traces = traces;
    // A standby flushes what it receives by itself; nobody waits for that.
    const waiting = status.row.inRecovery ? 0 : status.row.waitingForFlush;
    this.#flush = traceFlush(this.#flush, { flushLsn: view.flushLsn, waiting, at: status.sentAt });
    this.#lastRun = { timeline: view.timeline, flushLsn: view.flushLsn };
    return view;
  }

  #silentSince(): Instant | null {
    return this.#status.silentSince ?? flushStalledSince(this.#flush, this.#parts.deps.clock.now());
  }

  async #controlFile(): Promise<ControlData | null> {
    try {
      return await this.#parts.control.read(bounded(FILES_BOUND_MS));
    } catch (error) {
      this.#parts.deps.logger.warn(
        { event: 'control_file_unreadable', error },
        'the control file cannot be read',
      );
      return null;
    }
  }

  /** A stopped instance: the end of its shutdown checkpoint, else what its last run had flushed, else its checkpoint. */
  async #endOfWal(
    server: ServerView | null,
    control: ControlData | null,
  ): Promise<Pick<Observation, 'timeline' | 'endOfWal' | 'forks'>> {
    if (server !== null) return { timeline: server.timeline, endOfWal: server.flushLsn, forks: server.forks };
    const local = await this.#parts.wal.look();
    const timeline = timelineId(
      Math.max(local.timeline, control?.checkpointTimeline ?? 0, this.#lastRun?.timeline ?? 0),
    );
    const endOfWal =
      control?.shutdownEndLsn ?? this.#lastRun?.flushLsn ?? minRecovered(control) ?? control?.checkpointLsn;
    return {
      timeline,
      endOfWal: endOfWal ?? LSN_ZERO,
      forks: local.forksOf.get(timeline) ?? [],
    };
  }

  async #presence(): Promise<DataPresence> {
    // While it runs it is there: no need to look.
    if (this.#parts.postmaster.pid !== null) return 'present';
    return checkDataDirectory(this.#parts.options, this.#parts.paths);
  }

  async #provenDead(): Promise<boolean> {
    const { postmaster, deps, paths } = this.#parts;
    if (postmaster.pid !== null) return false;
    const now = deps.clock.now();
    if (this.#provenAt !== null && now - this.#provenAt < PROOF_AGE_MS) return true;
    const dead = await isLockFree(paths.lock, bounded(FILES_BOUND_MS)).catch(() => false);
    // That somebody is left is asked anew each time: others wait for the last one to go.
    this.#provenAt = dead ? now : null;
    return dead;
  }
}

/** Replay never stops before this point; zero where no recovery is under way. */
function minRecovered(control: ControlData | null): Lsn | null {
  return control === null || control.minRecoveryEnd === LSN_ZERO ? null : control.minRecoveryEnd;
}
