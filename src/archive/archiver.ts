import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareLsn, type Lsn } from '../ha/lsn.ts';
import { type Millis, millis, type TimelineId } from '../ha/units.ts';
import { ArchiveError, StoreFaultError } from './errors.ts';
import type { ArchiveIdentity } from './identity.ts';
import { type ArchiveSettings, OwnArchive } from './opened-archive.ts';
import type { Spool } from './spool.ts';
import type { Creation } from './store/ports.ts';
import { TailShipper } from './tail/shipper.ts';
import { offerOldTimelines } from './wal/backfill.ts';
import { Keeper } from './wal/keeper.ts';
import { walFileKind } from './wal/names.ts';
import type { Permission, Reach } from './wal/permit.ts';
import { pushFile } from './wal/push-file.ts';
import { type PushAnswer, Pusher, type PushFailure } from './wal/pusher.ts';
import { ReadyFiles } from './wal/ready-files.ts';

/** What went on, for the log; `event` is stable. */
export type ArchiveLog = (level: 'info' | 'warn', event: string, message: string, details: object) => void;

export interface ArchiverOptions {
  readonly settings: ArchiveSettings;
  readonly spool: Spool;
  readonly walDirectory: string;
  identity(): ArchiveIdentity | null;
  permission(): Permission;
  segmentBytes(): number | null;
  readonly parallel: number;
  /** How often the live tail goes out, in milliseconds; null: never. */
  readonly tailInterval: number | null;
  readonly log: ArchiveLog;
  /** Sleeps between looks; a file that is done ends the sleep. */
  readonly sleeper: { wake(): void; sleep(duration: Millis, signal: AbortSignal): Promise<boolean> };
}

/** How the archive stands. */
export interface ArchiveStatus {
  readonly url: string;
  /** Null: the store is not open (yet). */
  readonly creation: Creation | null;
  readonly lastArchived: { readonly file: string; readonly at: Date } | null;
  readonly archivedCount: number;
  readonly failedCount: number;
  readonly failing: PushFailure | null;
  /** Files that are ready and not archived. */
  readonly waiting: number;
  /** Null: no tail is kept, or not by this member. */
  readonly tail: {
    /** Up to where a restore could come, without a hole. */
    readonly position: Lsn;
    /** When that was last everything that the archive may have: the loss of every volume costs what came since. */
    readonly currentAt: Date;
  } | null;
  /** Why the tail cannot go out; null: it does. */
  readonly tailFailing: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly since: Date;
  } | null;
  /** Share of the volume that keeps WAL while the store is away, from 0 to 1; null: not known yet. */
  readonly freeSpace: number | null;
}

/** Milliseconds. */
const PACE = 1_000;
const TAIL_WITHIN = 60_000;
const LOOK_AT_SPACE = 10_000;
/** Below this share of its volume a standby no longer keeps WAL for the archive. */
const SHORT_OF_SPACE = 0.15;

/** Keeps the archive of a cluster: everything of it that runs beside Postgres while this member is the primary. */
export class Archiver {
  readonly #options: ArchiverOptions;
  readonly #archive: OwnArchive;
  readonly #pusher: Pusher;
  readonly #keeper: Keeper;
  readonly #tail: TailShipper;
  #lastArchived: ArchiveStatus['lastArchived'] = null;
  #archivedCount = 0;
  #failedCount = 0;
  #currentAt: Date | null = null;
  #tailFailing: ArchiveStatus['tailFailing'] = null;
  #told: string | null = null;
  #backfilled: TimelineId | null = null;
  #freeSpace: number | null = null;

  constructor(options: ArchiverOptions) {
    this.#options = options;
    const { spool, walDirectory, permission, segmentBytes, parallel } = options;
    this.#archive = new OwnArchive(options.settings, options.identity);
    const archive = () => this.#archive.open();
    this.#pusher = new Pusher({
      walDirectory,
      spool,
      ready: new ReadyFiles(walDirectory),
      archive,
      permission,
      segmentBytes,
      parallel,
      onPushed: (file, outcome, took) => this.#pushed(file, outcome, took),
      onFailed: (file, error) => this.#failed(file, error),
    });
    this.#pusher.onDone(() => options.sleeper.wake());
    this.#keeper = new Keeper({
      archive,
      segmentBytes,
      isShortOfSpace: () => this.#freeSpace !== null && this.#freeSpace < SHORT_OF_SPACE,
    });
    this.#tail = new TailShipper({
      walDirectory,
      archive,
      permission,
      segmentBytes,
      waiting: () => this.#pusher.waiting,
      pushFile: (opened, file, signal) => pushFile(opened, file, `${walDirectory}/${file}`, signal),
    });
  }

  /** For archive_command. */
  push(file: string, signal: AbortSignal): Promise<PushAnswer> {
    const permission = this.#options.permission();
    return permission.reach === null && permission.follows !== null
      ? this.#keeper.request(file, permission.follows, signal)
      : this.#pusher.request(file, signal);
  }

  status(): ArchiveStatus {
    const { position } = this.#tail;
    return {
      url: this.#options.settings.url,
      creation: this.#archive.store?.creation ?? null,
      lastArchived: this.#lastArchived,
      archivedCount: this.#archivedCount,
      failedCount: this.#failedCount,
      failing: this.#pusher.failure,
      waiting: this.#pusher.waiting.length,
      tail: position === null || this.#currentAt === null ? null : { position, currentAt: this.#currentAt },
      tailFailing: this.#tailFailing,
      freeSpace: this.#freeSpace,
    };
  }

  /** `beforeLook` is called before each look at what is ready. Works until the signal ends, then lets what is on its way end. */
  async run(signal: AbortSignal, beforeLook: () => Promise<void> = async () => {}): Promise<void> {
    try {
      await Promise.all([
        this.#pushLoop(signal, beforeLook),
        this.#tailLoop(signal),
        this.#spaceLoop(signal),
      ]);
    } finally {
      this.#pusher.stop();
      await this.#pusher.settled();
      this.#archive.close();
    }
  }

  async #pushLoop(signal: AbortSignal, beforeLook: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await beforeLook();
        const { reach } = this.#options.permission();
        if (reach === null) this.#backfilled = null;
        else if (this.#backfilled !== reach.timeline) await this.#backfill(reach, signal);
        await this.#pusher.look(performance.now());
      } catch (error) {
        this.#tell(error);
      }
      await this.#options.sleeper.sleep(millis(PACE), signal);
    }
  }

  /** Before anything else is looked at: Postgres may recycle old segments at its next checkpoint. */
  async #backfill(reach: Reach, signal: AbortSignal): Promise<void> {
    const { walDirectory, segmentBytes, log } = this.#options;
    const size = segmentBytes();
    if (size === null || signal.aborted) return;
    const store = reach.timeline === 1 ? null : ((await this.#openOrNull())?.store ?? null);
    const bound = AbortSignal.any([signal, AbortSignal.timeout(TAIL_WITHIN)]);
    const offered =
      reach.timeline === 1
        ? []
        : await offerOldTimelines({ walDirectory, segmentBytes: size, reach, store, signal: bound });
    this.#backfilled = reach.timeline;
    if (offered.length > 0)
      log('info', 'archive.backfill', `${offered.length} files of earlier timelines are archived after all`, {
        files: offered,
      });
  }

  async #openOrNull() {
    try {
      return await this.#archive.open();
    } catch (error) {
      if (error instanceof ArchiveError) return null;
      throw error;
    }
  }

  async #tailLoop(signal: AbortSignal): Promise<void> {
    const { tailInterval } = this.#options;
    if (tailInterval === null) return;
    while (!signal.aborted) {
      const began = new Date();
      try {
        const { reach } = this.#options.permission();
        await this.#tail.ship(AbortSignal.any([signal, AbortSignal.timeout(TAIL_WITHIN)]));
        const { position } = this.#tail;
        if (position === null) this.#currentAt = null;
        else if (reach !== null && compareLsn(position, reach.confirmed) >= 0) this.#currentAt = began;
        this.#tailFailing = null;
      } catch (error) {
        if (signal.aborted) return;
        const { code, message, remedy } = asArchiveError(error);
        this.#tailFailing = { code, message, remedy, since: this.#tailFailing?.since ?? began };
        this.#tell(error);
      }
      await sleep(Math.max(10, tailInterval - (Date.now() - began.getTime())), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }

  async #spaceLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // No data directory yet: it is looked at again.
      const space = await statfs(this.#options.walDirectory).catch(() => null);
      this.#freeSpace = space === null ? null : space.bavail / Math.max(1, space.blocks);
      await sleep(LOOK_AT_SPACE, undefined, { signal }).catch(() => undefined);
    }
  }

  #pushed(file: string, outcome: 'created' | 'present' | 'left-out', took: number): void {
    const { log } = this.#options;
    if (outcome === 'left-out') {
      log('info', 'archive.left-out', `${file} belongs to no history that leads here: it is not archived`, {
        file,
      });
      return;
    }
    this.#archivedCount += 1;
    this.#lastArchived = { file, at: new Date() };
    if (walFileKind(file) === 'segment') this.#tail.segmentArchived(file);
    if (this.#told !== null) {
      this.#told = null;
      log('info', 'archive.recovered', `the archive takes WAL again: ${file}`, { file, took });
    }
  }

  #failed(file: string, error: ArchiveError): void {
    this.#failedCount += 1;
    this.#tell(error, file);
  }

  /** One line each time that the reason changes. */
  #tell(cause: unknown, file?: string): void {
    const { code, message, remedy } = asArchiveError(cause);
    if (code === 'ARCHIVE_CANCELLED' || this.#told === code) return;
    this.#told = code;
    this.#options.log('warn', 'archive.failed', message, { code, remedy, file });
  }
}

function asArchiveError(error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error;
  return new StoreFaultError('the archive', error instanceof Error ? error.message : String(error), error);
}
