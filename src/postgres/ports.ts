import type { Lsn } from '../ha/lsn.ts';
import type { Incarnation, MemberIncarnation } from '../ha/member.ts';
import type { Floor } from '../ha/record.ts';
import type { Epoch, Instant, Millis, TimelineId } from '../ha/units.ts';
import type { EpochRow, Kept, LocalView } from '../ha/view.ts';
import type { InstanceSample } from './sample.ts';

/** Where log lines go (pino fits). */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What the instance gets from outside. */
export interface InstanceDeps {
  readonly logger: Logger;
  /** This machine's monotonic clock. */
  readonly clock: { now(): Instant };
}

/** One look at everything local. */
export type Observation = Omit<LocalView, 'state'> & {
  readonly process: ProcessState;
  /** When a *new* local connection last got an answer; tried every few seconds, oftener while commits wait. */
  readonly lastConnectAt: Instant | null;
};

/** Another member's Postgres. */
export interface Upstream {
  readonly identity: MemberIncarnation;
  readonly host: string;
  readonly port: number;
}

/** How far a long work is: bytes done, of how many (null: unknown), and a sentence. */
export interface WorkProgress {
  readonly done: number;
  readonly total: number | null;
  readonly detail: string;
  /** Bytes a second of late, and milliseconds to the end; absent or null: unknown. */
  readonly rate?: number | null;
  readonly remaining?: number | null;
}

export type ReportProgress = (progress: WorkProgress) => void;

/**
 * Makes a whole, stopped, promoted data directory; every process that works in it holds `lock`. Gives the highest epoch
 * in it.
 */
export type FillDirectory = (
  place: { readonly directory: string; readonly lock: string },
  signal: AbortSignal,
) => Promise<{ readonly inherited: Epoch }>;

/** One database role and its password, which may change while the agent runs. */
export interface Credential {
  readonly name: string;
  password(): string;
}

/** What never changes while the agent runs. */
export interface InstanceOptions {
  readonly volume: string;
  readonly binaries: { readonly directory: string; readonly major: number };
  readonly memberIdentity: { readonly member: string };
  readonly port: number;
  readonly listenAddresses: string;
  readonly socketDirectory: string;
  readonly superuser: Credential;
  readonly replication: Credential;
  readonly application: { readonly database: string; readonly owner: Credential };
  readonly initdb: {
    readonly encoding: string;
    readonly locale: string | null;
    readonly localeProvider: 'icu' | 'libc';
    readonly dataChecksums: boolean;
    readonly walSegmentSizeMb: number | null;
    readonly postInitSql: readonly string[];
  };
  readonly stopTimeout: Millis;
  readonly maxSlotWalKeepSize: string;
  /** Keep summaries of WAL for incremental backups, where Postgres can (17 and later). */
  readonly summarizeWal?: boolean;
  /** wal_receiver_timeout is twice this. */
  readonly suspectAfter: Millis;
  /** The value of archive_command; absent: WAL is not archived. */
  readonly archiveCommand?: string;
  /** The value of restore_command of a standby that takes WAL from the archive; absent: there is no archive. */
  readonly restoreCommand?: string;
}

/** What may change at a reload. */
export interface InstanceSettings {
  readonly parameters: Readonly<Record<string, string>>;
  /** pg_hba.conf lines of the user, in order. */
  readonly hba: readonly string[];
  readonly tls: {
    readonly certificateFile: string;
    readonly keyFile: string;
    readonly caFile: string | null;
  } | null;
}

/** The facts beside PGDATA; each write returns after fsync of file and directory. */
export interface MemberFacts {
  readonly clusterUID: string | null;
  readonly generation: number | null;
  readonly kept: Kept | null;
  readonly incarnation: Incarnation | null;
  readonly floor: Floor | null;
  /** As in `LocalView`. */
  readonly inherited: Epoch | null;
  readonly promise: Epoch;
  readonly timelineEpochs: Readonly<Record<number, Epoch>>;
}

/**
 * The local Postgres. Every method is bounded by its signal or its own deadline, and rejects with a
 * `PostgresError` (stable `code`, `remedy`). None decides anything about leadership.
 */
export interface PostgresInstance {
  /** Reads facts, control file and lock once; deals with nothing. */
  load(): Promise<void>;
  /** Kills processes of the directory that no living agent owns (or adopts them); resolves when proven dead. */
  clearOrphans(
    options: { readonly adopt: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly adopted: boolean }>;
  /** One look at everything; at most `deadline`. Never rejects for a Postgres that is down or hung. */
  observe(deadline: Millis): Promise<Observation>;
  /** Called on every change of the process: started, accepting, exited. */
  onChange(listener: () => void): void;
  readonly process: ProcessState;

  writeFloor(floor: Floor, timelineEpochs: Readonly<Record<number, Epoch>>): Promise<void>;
  writePromise(epoch: Epoch): Promise<void>;
  /** The cluster, and which of its lives, that the data belongs to from now on. */
  writeClusterUID(clusterUID: string, generation: number): Promise<void>;
  /**
   * A recovery in place: the data, with the facts that belong to it, goes out of the way. The promise stays: it is never
   * taken back. Postgres is stopped. Each step can be repeated: cut off, `clearOrphans` finishes it.
   */
  setAside(operation: { readonly id: string; readonly generation: number }): Promise<void>;
  /**
   * It was abandoned: what was set aside comes back, as data of the life `generation`; what is in its place is removed.
   * `inPlace`: it was never set aside, and stays. As `setAside` otherwise.
   */
  bringBack(operation: {
    readonly id: string;
    readonly generation: number;
    readonly inPlace: boolean;
  }): Promise<void>;
  /** What was set aside is removed for good. */
  dropKept(id: string): Promise<void>;

  /** initdb into a new directory, renamed into place when complete: `data` is empty or whole. Makes an incarnation. */
  initialize(report: ReportProgress, signal: AbortSignal): Promise<{ readonly systemIdentifier: string }>;
  /**
   * A directory that `fill` makes out of an archive, put in place when it is whole: as `initialize`, but longer. What an
   * interrupted `fill` left is still there for the next.
   */
  restore(fill: FillDirectory, signal: AbortSignal): Promise<{ readonly systemIdentifier: string }>;
  /** pg_basebackup into a new directory; the old one is set aside; a new incarnation. */
  clone(
    from: Upstream,
    report: ReportProgress,
    signal: AbortSignal,
    options?: {
      /** Without room for both: the old directory and what was set aside go first. */
      readonly removeOldFirst: boolean;
    },
  ): Promise<void>;
  /** pg_rewind of the stopped directory; a marker lies on the volume from before the first change until it is whole. */
  rewind(from: Upstream, switchLsn: Lsn, report: ReportProgress, signal: AbortSignal): Promise<void>;

  /** Starts as a standby (standby.signal) that follows nobody and accepts hot-standby sessions by the door. */
  startStandby(signal: AbortSignal): Promise<void>;
  /** Starts a freshly initialised directory as primary, door closed. Only for bootstrap. */
  startPrimary(synchronousStandbyNames: string, signal: AbortSignal): Promise<void>;
  /** Fast, then immediate, then SIGKILL, then proven dead; bounded. */
  stop(mode: 'fast' | 'immediate' | 'kill', signal?: AbortSignal): Promise<void>;

  /**
   * Sets primary_conninfo (application_name = own identity) and reloads; null: follow nobody. `mayFetch`: WAL that the
   * upstream no longer has may come from the archive.
   */
  follow(upstream: Upstream | null, options?: { readonly mayFetch: boolean }): Promise<void>;
  /** A planned end is near, on this member or its upstream: the WAL segment that it switches to is made quickly. */
  expectSwitch(): Promise<void>;
  /** Clears primary_conninfo and restore_command, ends the WAL receiver by pid, verifies that it stays gone. */
  endReceiver(signal: AbortSignal): Promise<{ readonly timeline: TimelineId; readonly flushLsn: Lsn }>;
  /** Writes synchronous_standby_names, reloads, returns when a new connection shows it. */
  setSynchronousStandbyNames(value: string, signal: AbortSignal): Promise<void>;
  /** Admits only the agent and replication; ends other sessions; verified by a new connection. */
  closeDoor(signal: AbortSignal): Promise<void>;
  openDoor(signal: AbortSignal): Promise<void>;
  /** What must hold before `promote`, by one reload: names set, door closed, receiver gone for good. */
  prepareToPromote(synchronousStandbyNames: string, signal: AbortSignal): Promise<void>;
  /** Placeholder histories for skipped numbers, then promotes; returns when out of recovery on `timeline`. */
  promote(timeline: TimelineId, signal: AbortSignal): Promise<void>;
  /** Commits the epoch row; waits for the synchronous standbys. */
  writeEpochRow(
    row: Omit<EpochRow, 'settled'> & { readonly cohort: readonly string[]; readonly acks: number },
    signal: AbortSignal,
  ): Promise<{ readonly lsn: Lsn }>;
  /** The second row: marks the epoch settled in band. */
  markSettled(
    row: Omit<EpochRow, 'settled'> & { readonly cohort?: readonly string[]; readonly acks?: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Roles, grants, application database, the pgwarden schema, post-init SQL once. Idempotent. */
  prepare(signal: AbortSignal): Promise<void>;
  checkpoint(signal: AbortSignal): Promise<void>;
  /** Insert LSN after forcing WAL past it: a later confirmation beyond it proves a setting in effect. */
  forceWal(signal: AbortSignal): Promise<Lsn>;
  /** Physical slots for these identities (created, advanced on standbys, others dropped). */
  syncSlots(identities: readonly MemberIncarnation[], signal: AbortSignal): Promise<void>;
  /** Validates against the server, writes atomically, reloads; tells what waits for a restart. */
  applySettings(
    settings: InstanceSettings,
    signal: AbortSignal,
  ): Promise<{ readonly pendingRestart: readonly string[] }>;
  /** What `applySettings` would refuse, told without changing anything; needs no running server. */
  validateSettings(settings: InstanceSettings, signal: AbortSignal): Promise<void>;
  /** ALTER SYSTEM behind the agent's back: entries of postgresql.auto.conf on settings that the agent owns are reset. */
  revertForeignSettings(signal: AbortSignal): Promise<readonly string[]>;
  /** Changed password files: sets them in the roles (primary) and in every conninfo. */
  rotatePasswords(signal: AbortSignal): Promise<void>;
  /** Figures for people and metrics, taken now and then; never rejects. */
  sample(signal: AbortSignal): Promise<InstanceSample>;
  close(): Promise<void>;
}

export type ProcessState =
  | {
      readonly state: 'stopped';
      readonly exit: { readonly code: number | null; readonly signal: string | null } | null;
    }
  | { readonly state: 'starting' | 'running' | 'stopping'; readonly pid: number; readonly since: Instant };
