import { resolve } from 'node:path';
import type { Lsn } from '../ha/lsn.ts';
import { type MemberIncarnation, memberName } from '../ha/member.ts';
import type { Floor, Seen } from '../ha/record.ts';
import type { Epoch, Millis, TimelineId } from '../ha/units.ts';
import type { EpochRow } from '../ha/view.ts';
import { DataWorks } from './data-works.ts';
import { InterruptedWorkError } from './errors.ts';
import { LocalObserver } from './local-observer.ts';
import type {
  FillDirectory,
  InstanceDeps,
  InstanceOptions,
  InstanceSettings,
  Observation,
  PostgresInstance,
  ProcessState,
  ReportProgress,
  Upstream,
} from './ports.ts';
import { Postmaster } from './process/postmaster.ts';
import { type InstanceSample, readSample } from './sample.ts';
import { ServerLife } from './server-life.ts';
import { SettingsFiles } from './settings/settings-files.ts';
import { SettingsWorks } from './settings-works.ts';
import { localAccess, localTarget } from './sql/local-access.ts';
import { LocalServer } from './sql/local-server.ts';
import { ControlFileReader } from './volume/control-file.ts';
import { FactStore } from './volume/fact-store.ts';
import { volumePaths } from './volume/paths.ts';
import { WalDirectory } from './volume/wal-directory.ts';
import { bounded } from './wait.ts';
import { closeDoor, openDoor } from './work/door.ts';
import { committing, writeEpochRow, writeSettledMark } from './work/epoch-rows.ts';
import { Following } from './work/following.ts';
import { prepare } from './work/prepare.ts';
import { prepareToPromote } from './work/prepare-to-promote.ts';
import { promote } from './work/promote.ts';
import { endReceiver, type ReceiverEnd } from './work/receiver.ts';
import { reloadProven } from './work/reload.ts';

const CHECKPOINT_BOUND_MS = 3_600_000;

/** The local Postgres on one volume. Nothing is started or read by this: call `load` first. */
export function createPostgresInstance(
  options: InstanceOptions,
  settings: InstanceSettings,
  deps: InstanceDeps,
): LocalInstance {
  return new LocalInstance(options, settings, deps);
}

/** `PostgresInstance` over the works of this room; it holds the parts together and decides nothing. */
export class LocalInstance implements PostgresInstance {
  readonly #options: InstanceOptions;
  readonly #facts: FactStore;
  readonly #postmaster: Postmaster;
  readonly #server: LocalServer;
  readonly #files: SettingsFiles;
  readonly #wal: WalDirectory;
  readonly #observer: LocalObserver;
  readonly #life: ServerLife;
  readonly #data: DataWorks;
  readonly #settings: SettingsWorks;
  readonly #following: Following;
  readonly #walPath: string;
  readonly #volume: string;
  readonly #receiverEnd: ReceiverEnd = { followings: null, unfollowed: null };
  readonly #listeners = new Set<() => void>();
  #doorMoves = 0;
  readonly #flags = {
    promoting: false,
    doorOpen: false,
    doorInDoubt: false,
    walRemoved: false,
    settingsTooLow: false,
  };

  constructor(options: InstanceOptions, settings: InstanceSettings, deps: InstanceDeps) {
    const paths = volumePaths(resolve(options.volume));
    const access = localAccess();
    this.#options = options;
    this.#walPath = paths.wal;
    this.#volume = paths.volume;
    this.#facts = new FactStore(paths, memberName(options.memberIdentity.member));
    this.#wal = new WalDirectory(paths.wal);
    this.#server = new LocalServer(() => localTarget(options, access));
    this.#files = new SettingsFiles(options, paths, access, settings);
    this.#postmaster = new Postmaster(
      paths.data,
      deps,
      () => {
        for (const listener of this.#listeners) listener();
      },
      (message) => this.#following.hearLog(message),
    );
    const control = new ControlFileReader(options.binaries.directory, paths.data);
    const parts = {
      options,
      paths,
      deps,
      facts: this.#facts,
      postmaster: this.#postmaster,
      server: this.#server,
      files: this.#files,
      control,
      wal: this.#wal,
      flags: this.#flags,
    };
    this.#observer = new LocalObserver(parts);
    this.#life = new ServerLife(parts);
    this.#data = new DataWorks(parts);
    this.#settings = new SettingsWorks(parts);
    this.#following = new Following(parts);
  }

  get process(): ProcessState {
    return this.#postmaster.state;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  load(): Promise<void> {
    return this.#life.load();
  }

  clearOrphans(
    options: { readonly adopt: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly adopted: boolean }> {
    return this.#life.clearOrphans(options, signal);
  }

  observe(deadline: Millis): Promise<Observation> {
    return this.#observer.observe(deadline);
  }

  writeFloor(floor: Floor, timelineEpochs: Readonly<Record<number, Epoch>>): Promise<void> {
    return this.#facts.writeFloor(floor, timelineEpochs);
  }

  writePromise(epoch: Epoch): Promise<void> {
    return this.#facts.writePromise(epoch);
  }

  /** The newest cluster record that an agent of this volume wrote down as seen; null: none. After `load`. */
  get seen(): Seen | null {
    return this.#facts.seen;
  }

  writeSeen(seen: Seen): Promise<void> {
    return this.#facts.writeSeen(seen);
  }

  writeClusterUID(clusterUID: string, generation: number): Promise<void> {
    return this.#facts.writeClusterUID(clusterUID, generation);
  }

  async setAside(operation: { readonly id: string; readonly generation: number }): Promise<void> {
    await this.#data.setAside(operation);
    this.#observer.forget();
  }

  async bringBack(operation: {
    readonly id: string;
    readonly generation: number;
    readonly inPlace: boolean;
  }): Promise<void> {
    await this.#data.bringBack(operation);
    this.#observer.forget();
  }

  dropKept(id: string): Promise<void> {
    return this.#data.dropKept(id);
  }

  async initialize(
    report: ReportProgress,
    signal: AbortSignal,
  ): Promise<{ readonly systemIdentifier: string }> {
    const done = await this.#data.initialize(report, signal);
    this.#observer.forget();
    return done;
  }

  async restore(fill: FillDirectory, signal: AbortSignal): Promise<{ readonly systemIdentifier: string }> {
    const done = await this.#data.restore(fill, signal);
    this.#observer.forget();
    return done;
  }

  async clone(
    from: Upstream,
    report: ReportProgress,
    signal: AbortSignal,
    options?: { readonly removeOldFirst: boolean },
  ): Promise<void> {
    await this.#data.clone(from, report, signal, options?.removeOldFirst ?? false);
    this.#observer.forget();
  }

  async rewind(from: Upstream, switchLsn: Lsn, report: ReportProgress, signal: AbortSignal): Promise<void> {
    try {
      await this.#data.rewind(from, switchLsn, report, signal);
    } finally {
      this.#observer.forget();
    }
  }

  startStandby(signal: AbortSignal): Promise<void> {
    return this.#life.startStandby(signal);
  }

  startPrimary(synchronousStandbyNames: string, signal: AbortSignal): Promise<void> {
    return this.#life.startPrimary(synchronousStandbyNames, signal);
  }

  stop(mode: 'fast' | 'immediate' | 'kill', signal?: AbortSignal): Promise<void> {
    return this.#life.stop(mode, signal);
  }

  follow(upstream: Upstream | null, options?: { readonly mayFetch: boolean }): Promise<void> {
    return this.#following.follow(upstream, options?.mayFetch ?? false);
  }

  expectSwitch(): Promise<void> {
    return this.#following.expectSwitch();
  }

  async endReceiver(signal: AbortSignal): Promise<{ readonly timeline: TimelineId; readonly flushLsn: Lsn }> {
    return endReceiver(this.#running, this.#wal, this.#receiverEnd, signal);
  }

  setSynchronousStandbyNames(value: string, signal: AbortSignal): Promise<void> {
    return reloadProven(this.#running, { synchronousStandbyNames: value }, signal);
  }

  async closeDoor(signal: AbortSignal): Promise<void> {
    await this.#moveDoor(false, () => closeDoor(this.#running, this.#options.replication.name, signal));
  }

  async openDoor(signal: AbortSignal): Promise<void> {
    // From the first byte written it may be open: "closed" is said only when it is proven.
    this.#flags.doorOpen = true;
    await this.#moveDoor(true, () => openDoor(this.#running, signal));
  }

  /** Only the last move that was begun knows how the door stands, once it has come to its end. */
  async #moveDoor(open: boolean, move: () => Promise<void>): Promise<void> {
    const flags = this.#flags;
    const turn = ++this.#doorMoves;
    let isKnown = false;
    try {
      await move();
      isKnown = turn === this.#doorMoves;
    } finally {
      flags.doorInDoubt = !isKnown;
      if (isKnown) flags.doorOpen = open;
      else if (turn !== this.#doorMoves) flags.doorOpen = true;
    }
  }

  async prepareToPromote(synchronousStandbyNames: string, signal: AbortSignal): Promise<void> {
    const { name } = this.#options.replication;
    const names = synchronousStandbyNames;
    await this.#moveDoor(false, () =>
      prepareToPromote(this.#running, name, names, this.#receiverEnd, signal),
    );
  }

  async promote(timeline: TimelineId, signal: AbortSignal): Promise<void> {
    this.#flags.promoting = true;
    try {
      await promote(this.#running, this.#walPath, this.#wal, timeline, signal);
      this.#flags.promoting = false;
    } catch (error) {
      // A wait that was given up leaves a promotion that may still come: the next look outside recovery ends it.
      if (!(error instanceof InterruptedWorkError)) this.#flags.promoting = false;
      throw error;
    }
  }

  writeEpochRow(
    row: Omit<EpochRow, 'settled'> & { readonly cohort: readonly string[]; readonly acks: number },
    signal: AbortSignal,
  ): Promise<{ readonly lsn: Lsn }> {
    return writeEpochRow(this.#server, row, signal);
  }

  async markSettled(
    row: Omit<EpochRow, 'settled'> & { readonly cohort?: readonly string[]; readonly acks?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { cohort = [], acks = 0 } = row;
    await writeSettledMark(this.#server, { ...row, cohort, acks }, signal);
  }

  prepare(signal: AbortSignal): Promise<void> {
    return prepare(this.#server, this.#options, signal);
  }

  async checkpoint(signal: AbortSignal): Promise<void> {
    await this.#server.query('checkpoint', [], bounded(CHECKPOINT_BOUND_MS, signal));
  }

  /** An empty message in WAL costs 64 bytes; its commit is not waited for, so that a missing standby holds up nothing. */
  forceWal(signal: AbortSignal): Promise<Lsn> {
    return committing(this.#server, signal, async (session) => {
      const [row] = await session.query<{ lsn: Lsn }>(
        'select pg_current_wal_insert_lsn()::text as lsn',
        [],
        signal,
      );
      await session.query('set synchronous_commit = local', [], signal);
      await session.query("select pg_logical_emit_message(true, 'pgwarden', '')", [], signal);
      if (row === undefined) throw new TypeError('a query without a table returned no row');
      return row.lsn;
    });
  }

  syncSlots(identities: readonly MemberIncarnation[], signal: AbortSignal): Promise<void> {
    return this.#following.syncSlots(identities, signal);
  }

  applySettings(
    settings: InstanceSettings,
    signal: AbortSignal,
  ): Promise<{ readonly pendingRestart: readonly string[] }> {
    return this.#settings.apply(settings, signal);
  }

  /** As `applySettings`, but nothing is written: what would be refused is told. Needs no server. */
  validateSettings(settings: InstanceSettings, signal: AbortSignal): Promise<void> {
    return this.#settings.validate(settings, signal);
  }

  /** Names of the settings that wait for a restart of Postgres. */
  pendingRestart(signal: AbortSignal): Promise<readonly string[]> {
    return this.#settings.pendingRestart(signal);
  }

  revertForeignSettings(signal: AbortSignal): Promise<readonly string[]> {
    return this.#settings.revertForeign(signal);
  }

  rotatePasswords(signal: AbortSignal): Promise<void> {
    return this.#settings.rotatePasswords(signal);
  }

  /** Figures for people and metrics; bounded by the signal. Null fields could not be learned. */
  sample(signal: AbortSignal): Promise<InstanceSample> {
    return readSample(this.#server, this.#volume, this.#walPath, this.#postmaster.state, signal);
  }

  async close(): Promise<void> {
    this.#observer.close();
    this.#postmaster.letGo();
  }

  get #running() {
    return { postmaster: this.#postmaster, files: this.#files, server: this.#server };
  }
}
