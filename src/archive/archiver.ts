import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareLsn, type Lsn } from '../ha/lsn.ts';
import { type Millis, millis, type TimelineId } from '../ha/units.ts';
import { ClaimNote } from './claim-note.ts';
import type { ArchiveError } from './errors.ts';
import type { ArchiveIdentity } from './identity.ts';
import { type ArchiveSettings, OwnArchive } from './opened-archive.ts';
import type { Spool } from './spool.ts';
import type { Creation } from './store/ports.ts';
import { TailShipper } from './tail/shipper.ts';
import { Term } from './term.ts';
import { type ArchiveLog, asArchiveError, Told } from './told.ts';
import { Keeper } from './wal/keeper.ts';
import { KeptWal } from './wal/kept-wal.ts';
import { walFileKind } from './wal/names.ts';
import type { Permission } from './wal/permit.ts';
import { pushFile, type WalArchive } from './wal/push-file.ts';
import { type PushAnswer, Pusher, type PushFailure } from './wal/pusher.ts';
import { ReadyFiles } from './wal/ready-files.ts';

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
const LOOK_AT_KEPT = 10_000;
/** What is on its way may take so long to end: a call that hangs must not hold up whoever waits for the end. */
const END_WITHIN = 10_000;
/** Below this share of its volume, and so many bytes, a standby no longer keeps WAL for the archive. */
const SHORT_OF_SPACE = 0.15;
const SHORT_BYTES = 64 * 1024 ** 3;

/** Keeps the archive of a cluster: everything of it that runs beside Postgres while this member is the primary. */
export class Archiver {
  readonly #options: ArchiverOptions;
  readonly #archive: OwnArchive;
  readonly #pusher: Pusher;
  readonly #keeper: Keeper;
  readonly #kept: KeptWal;
  readonly #tail: TailShipper;
  readonly #term: Term;
  readonly #told: Told;
  #lastArchived: ArchiveStatus['lastArchived'] = null;
  #archivedCount = 0;
  #failedCount = 0;
  #currentAt: Date | null = null;
  #tailFailing: ArchiveStatus['tailFailing'] = null;
  /** The timeline whose waiting files were looked at, what was offered of earlier ones included. */
  #looked: TimelineId | null = null;
  #space: { readonly share: number; readonly bytes: number } | null = null;

  constructor(options: ArchiverOptions) {
    this.#options = options;
    const { spool, walDirectory, permission, segmentBytes, parallel, log } = options;
    this.#told = new Told(log);
    const note = new ClaimNote(join(spool.directory, 'claimed.json'));
    this.#archive = new OwnArchive(options.settings, note, options.identity);
    const archive = (signal: AbortSignal) => this.#archive.open(signal);
    this.#term = new Term({ archive: this.#archive, walDirectory, permission, segmentBytes, log });
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
      onUnmarked: (file, error) =>
        log('warn', 'archive.unmarked', `${file} is archived, and cannot be marked so`, { file, err: error }),
    });
    this.#pusher.onDone(() => options.sleeper.wake());
    this.#keeper = new Keeper({
      archive: (signal) => this.#archive.openToRead(signal),
      segmentBytes,
      isShortOfSpace: () => this.#isShortOfSpace(),
      pushFile: async (file, signal) =>
        await pushFile(await archive(signal), file, join(walDirectory, file), signal),
      onFailed: (file, error) => this.#told.failed('standby', error, file),
      onWell: () => this.#told.well('standby'),
      onFilled: (file) =>
        log('info', 'archive.hole-filled', `${file} was missing in the archive, and came from this standby`, {
          file,
        }),
    });
    this.#kept = new KeptWal({
      directory: spool.kept,
      archive,
      permission,
      segmentBytes,
      isShortOfSpace: () => this.#isShortOfSpace(),
      onArchived: (file, outcome) =>
        log('info', 'archive.kept-archived', `${file}, set aside before this member's data was replaced`, {
          file,
          outcome,
        }),
      onDropped: (file, why) =>
        log('warn', 'archive.kept-dropped', `${file} was set aside, and is dropped: ${why}`, { file }),
    });
    this.#tail = new TailShipper({
      walDirectory,
      archive,
      permission,
      segmentBytes,
      waiting: (timeline) => (this.#looked === timeline ? this.#pusher.waiting : null),
      pushFile: (opened, file, signal) => pushFile(opened, file, join(walDirectory, file), signal),
    });
  }

  /** For archive_command. */
  push(file: string, signal: AbortSignal): Promise<PushAnswer> {
    const permission = this.#options.permission();
    return permission.reach === null && permission.follows !== null
      ? this.#keeper.request(file, permission.follows, signal)
      : this.#pusher.request(file, signal);
  }

  /** The archive, for reading. @throws ArchiveError */
  openToRead(signal: AbortSignal): Promise<WalArchive> {
    return this.#archive.openToRead(signal);
  }

  status(): ArchiveStatus {
    const { position } = this.#tail;
    const follows = this.#options.permission().reach === null;
    return {
      url: this.#options.settings.url,
      creation: this.#archive.store?.creation ?? null,
      lastArchived: this.#lastArchived,
      archivedCount: this.#archivedCount,
      failedCount: this.#failedCount,
      failing: follows ? this.#keeper.failure : this.#pusher.failure,
      waiting: this.#pusher.waiting.size,
      tail: position === null || this.#currentAt === null ? null : { position, currentAt: this.#currentAt },
      tailFailing: this.#tailFailing,
      freeSpace: this.#space?.share ?? null,
    };
  }

  /** `beforeLook` is called before each look at what is ready. Works until the signal ends, then lets what is on its way end. */
  async run(signal: AbortSignal, beforeLook: () => Promise<void> = async () => {}): Promise<void> {
    try {
      await Promise.all([
        this.#pushLoop(signal, beforeLook),
        this.#termLoop(signal),
        this.#tailLoop(signal),
        this.#spaceLoop(signal),
        this.#keptLoop(signal),
      ]);
    } finally {
      this.#pusher.stop();
      await Promise.race([this.#pusher.settled(), sleep(END_WITHIN, undefined, { ref: false })]);
      this.#pusher.close();
      this.#archive.close();
    }
  }

  async #pushLoop(signal: AbortSignal, beforeLook: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await beforeLook();
        const offered = this.#term.offered;
        await this.#pusher.look(performance.now());
        this.#looked = offered;
      } catch (error) {
        this.#told.failed('push', error);
      }
      await this.#options.sleeper.sleep(millis(PACE), signal);
    }
  }

  /** Beside the pushes: neither waits for the other. */
  async #termLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const offered = this.#term.offered;
        await this.#term.look(performance.now(), signal);
        // The tail begins once what was offered has been looked at.
        if (this.#term.offered !== offered) this.#options.sleeper.wake();
        this.#told.well('term');
      } catch (error) {
        if (signal.aborted) return;
        this.#told.failed('term', error);
      }
      await sleep(PACE, undefined, { signal }).catch(() => undefined);
    }
  }

  async #tailLoop(signal: AbortSignal): Promise<void> {
    const { tailInterval } = this.#options;
    if (tailInterval === null) return;
    while (!signal.aborted) {
      const began = performance.now();
      await this.#ship(AbortSignal.any([signal, AbortSignal.timeout(TAIL_WITHIN)]));
      // By a clock that nobody sets: a wall clock that goes back would hold the tail up for as long.
      const left = tailInterval - (performance.now() - began);
      await sleep(Math.max(10, left), undefined, { signal }).catch(() => undefined);
    }
  }

  async #ship(signal: AbortSignal): Promise<void> {
    const at = new Date();
    try {
      const permission = this.#options.permission();
      await this.#tail.ship(signal);
      const { position } = this.#tail;
      if (position === null) this.#currentAt = null;
      else if (permission.reach !== null && compareLsn(position, permission.reach.confirmed) >= 0)
        this.#currentAt = new Date(at.getTime() - permission.age);
      this.#tailFailing = null;
      this.#told.well('tail');
    } catch (error) {
      const failure = asArchiveError(error);
      if (failure.code === 'ARCHIVE_CANCELLED') return;
      const { code, message, remedy } = failure;
      this.#tailFailing = { code, message, remedy, since: this.#tailFailing?.since ?? at };
      this.#told.failed('tail', error);
    }
  }

  async #keptLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(LOOK_AT_KEPT, undefined, { signal }).catch(() => undefined);
      try {
        if (!signal.aborted) await this.#kept.look(signal);
        this.#told.well('kept');
      } catch (error) {
        if (signal.aborted) return;
        this.#told.failed('kept', error);
      }
    }
  }

  #isShortOfSpace(): boolean {
    const space = this.#space;
    return space !== null && space.share < SHORT_OF_SPACE && space.bytes < SHORT_BYTES;
  }

  async #spaceLoop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // No data directory yet: it is looked at again.
      const space = await statfs(this.#options.walDirectory).catch(() => null);
      this.#space =
        space === null
          ? null
          : { share: space.bavail / Math.max(1, space.blocks), bytes: space.bavail * space.bsize };
      await sleep(LOOK_AT_SPACE, undefined, { signal }).catch(() => undefined);
    }
  }

  #pushed(file: string, outcome: 'created' | 'present' | 'left-out', took: number): void {
    const { log } = this.#options;
    if (walFileKind(file) === 'segment') this.#tail.segmentArchived(file);
    if (outcome === 'left-out') {
      log('info', 'archive.left-out', `${file} belongs to no history that leads here: it is not archived`, {
        file,
      });
      return;
    }
    this.#archivedCount += 1;
    this.#lastArchived = { file, at: new Date() };
    this.#told.well('push', { file, took });
  }

  #failed(file: string, error: ArchiveError): void {
    this.#failedCount += 1;
    this.#told.failed('push', error, file);
  }
}
