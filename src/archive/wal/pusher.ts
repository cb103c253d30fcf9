import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../postgres/errors.ts';
import { ArchiveCancelledError, ArchiveError, StoreFaultError } from '../errors.ts';
import type { Spool } from '../spool.ts';
import { judge, type Permission, type Reach } from './permit.ts';
import { Preparer } from './preparer.ts';
import { pushFile, type WalArchive } from './push-file.ts';
import type { ReadyFiles } from './ready-files.ts';

/** What became of one file that Postgres asked for. */
export type PushAnswer =
  | { readonly done: true }
  /** `giveUp`: Postgres stops, and must not wait for another try. */
  | { readonly done: false; readonly code: string; readonly message: string; readonly giveUp?: boolean };

/** What went wrong last, until that file is archived. */
export interface PushFailure {
  readonly file: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly since: Date;
}

export interface PusherOptions {
  readonly walDirectory: string;
  readonly spool: Spool;
  readonly ready: ReadyFiles;
  /** The archive, open and known to be this cluster's. @throws ArchiveError */
  archive(signal: AbortSignal): Promise<WalArchive>;
  permission(): Permission;
  /** Null: not known yet. */
  segmentBytes(): number | null;
  /** How many files are on their way at once. */
  readonly parallel: number;
  onPushed(file: string, outcome: 'created' | 'present' | 'left-out', took: number): void;
  onFailed(file: string, error: ArchiveError): void;
  /** It is archived, and the mark that says so could not be made. */
  onUnmarked(file: string, error: unknown): void;
}

/** Ahead of Postgres: no more files than this lie in the spool. */
const AHEAD = 256;
/** One file: bounded, so that a store that hangs is told of. Milliseconds. */
const PUSH_WITHIN = 5 * 60_000;
/** Milliseconds. */
const CONFIRMED_WITHIN = 5_000;
const LOOK_AGAIN = 50;
/** After a failure the next look ahead waits, longer each time. Milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

interface Running {
  readonly outcome: Promise<PushAnswer>;
  readonly abort: AbortController;
}

/**
 * Brings the WAL that Postgres has ready into the archive, several files at once and ahead of being asked: Postgres
 * asks for one after the other, and finds the next ones in the spool.
 */
export class Pusher {
  readonly #options: PusherOptions;
  readonly #running = new Map<string, Running>();
  readonly #preparer = new Preparer();
  #failure: PushFailure | null = null;
  #pause = 0;
  #pausedUntil = 0;
  #waiting = new Set<string>();
  /** What the last look found to be started yet, the most urgent first. */
  #queue: string[] = [];
  /** How many marks Postgres has not come to. */
  #ahead = 0;
  /** Archived by this member in this term, until Postgres knows: who asks meanwhile looked for the mark too early. */
  readonly #archived = new Set<string>();
  /** Ready by its note, and no longer there. */
  readonly #gone = new Set<string>();
  #lookAgain: (() => void) | null = null;

  constructor(options: PusherOptions) {
    this.#options = options;
  }

  get failure(): PushFailure | null {
    return this.#failure;
  }

  /** Files that are ready and not archived, as of the last look; those that were archived since are left out. */
  get waiting(): ReadonlySet<string> {
    return this.#waiting;
  }

  /** Wakes whoever runs the looks when a file is done. */
  onDone(listener: () => void): void {
    this.#lookAgain = listener;
  }

  /**
   * For archive_command: resolves when the file is archived, or refused, or when `signal` has no more time. A segment
   * is asked for the moment that it is full, a little before the quorum's word of it is here: that is waited for, since
   * Postgres counts a refusal as a failure and pauses.
   */
  async request(file: string, signal: AbortSignal): Promise<PushAnswer> {
    const until = performance.now() + CONFIRMED_WITHIN;
    for (;;) {
      const refusal = this.#refusal(file, this.#options.permission());
      if (refusal === null) break;
      if (signal.aborted || performance.now() >= until) return refusal;
      await sleep(LOOK_AGAIN, undefined, { signal }).catch(() => undefined);
    }
    if (this.#archived.has(file)) return { done: true };
    const running = this.#running.get(file) ?? this.#start(file);
    if (this.#queue.length === 0) this.#lookAgain?.();
    const late = Promise.withResolvers<PushAnswer>();
    const onAbort = (): void =>
      late.resolve({
        done: false,
        code: 'ARCHIVE_BUSY',
        message: `${file} is still on its way to the archive`,
      });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([running.outcome, late.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Starts what may be started ahead, and clears marks that Postgres has read. Called every now and then and after
   * each file: what it does for each file that waits is kept small, for ten thousand may wait.
   *
   * @returns how many files are still to be archived
   */
  async look(now: number): Promise<number> {
    const { ready, spool } = this.#options;
    const permission = this.#options.permission();
    if (permission.reach === null) {
      this.stop();
      await spool.forgetPushed();
      return 0;
    }
    // Marks first: of a file that becomes ready between the two, a mark is not taken for one that Postgres has read.
    const pushed = await spool.listPushed();
    const known = [this.#archived, this.#gone].map((files) => ({ files, before: [...files] }));
    const files = await ready.list();
    const wanted = new Set(files);
    for (const file of pushed) if (!wanted.has(file)) await spool.unmarkPushed(file);
    for (const { files, before } of known)
      for (const file of before) if (!wanted.has(file)) files.delete(file);
    const open = files.filter((file) => !pushed.has(file) && !this.#archived.has(file));
    this.#waiting = new Set(open);
    if (this.#failure !== null && !this.#waiting.has(this.#failure.file)) this.#failure = null;
    this.#queue = open;
    this.#ahead = files.length - open.length;
    this.#startNext(permission, now);
    return this.#waiting.size;
  }

  /** Ends what is on its way: this member is no longer the one to archive. */
  stop(): void {
    for (const { abort } of this.#running.values()) abort.abort();
    this.#failure = null;
    this.#waiting = new Set();
    this.#queue = [];
    this.#archived.clear();
    this.#gone.clear();
    this.#pause = 0;
    this.#pausedUntil = 0;
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ outcome }) => outcome));
  }

  /** Ends the thread that prepares segments; the next push begins another. */
  close(): void {
    this.#preparer.close();
  }

  /** Goes on in what the last look found; what must wait is skipped until the next one. */
  #startNext(permission: Permission, now: number): void {
    if (now < this.#pausedUntil) return;
    while (this.#running.size < this.#options.parallel && this.#ahead + this.#running.size < AHEAD) {
      const file = this.#queue.shift();
      if (file === undefined) return;
      if (this.#running.has(file) || this.#archived.has(file) || this.#gone.has(file)) continue;
      if (this.#refusal(file, permission) === null) this.#start(file);
    }
  }

  #refusal(file: string, permission: Permission): PushAnswer | null {
    if (permission.reach === null)
      return { done: false, code: 'ARCHIVE_NOT_PRIMARY', message: `${file} is kept: ${permission.reason}` };
    const segmentBytes = this.#options.segmentBytes();
    if (segmentBytes === null)
      return { done: false, code: 'ARCHIVE_STARTING', message: `${file} is kept: the agent starts` };
    const verdict = judge(file, permission.reach, segmentBytes);
    return verdict.verdict === 'wait'
      ? { done: false, code: 'ARCHIVE_NOT_CONFIRMED', message: `${file} is kept: ${verdict.reason}` }
      : null;
  }

  #start(file: string): Running {
    const abort = new AbortController();
    const outcome = this.#push(file, abort.signal).finally(() => {
      this.#running.delete(file);
      this.#startNext(this.#options.permission(), performance.now());
      // A look reads the whole directory: not after each of thousands.
      if (this.#queue.length === 0) this.#lookAgain?.();
    });
    const running = { outcome, abort };
    this.#running.set(file, running);
    return running;
  }

  async #push(file: string, stopped: AbortSignal): Promise<PushAnswer> {
    const { walDirectory, archive, onPushed, onFailed } = this.#options;
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(PUSH_WITHIN)]);
    const began = performance.now();
    try {
      let outcome: 'created' | 'present' | 'left-out' = 'left-out';
      if (!this.#leavesOut(file)) {
        const opened = await archive(signal);
        outcome = await pushFile(opened, file, join(walDirectory, file), signal, this.#preparer);
      }
      // A member that was deposed meanwhile must not tell its Postgres by a mark that is looked at later.
      if (stopped.aborted) throw new ArchiveCancelledError(`the push of ${file}`);
      await this.#mark(file);
      this.#waiting.delete(file);
      if (this.#failure?.file === file) this.#failure = null;
      this.#pause = 0;
      this.#pausedUntil = 0;
      onPushed(file, outcome, performance.now() - began);
      return { done: true };
    } catch (cause) {
      // Postgres needs it no more, and has removed it: it removes the note of such a file itself (pgarch.c).
      if (errnoOf(cause) === 'ENOENT' && !(await exists(join(walDirectory, file)))) {
        this.#gone.add(file);
        return { done: false, code: 'ARCHIVE_FILE_GONE', message: `${file} is no longer in pg_wal` };
      }
      const error =
        cause instanceof ArchiveError ? cause : new StoreFaultError('the push', String(cause), cause);
      if (error.code !== 'ARCHIVE_CANCELLED') this.#failed(file, error, onFailed);
      return { done: false, code: error.code, message: `${file} is kept: ${error.message}` };
    }
  }

  /** The mark only spares a question: on a volume that is full, the answer must free what fills it. */
  async #mark(file: string): Promise<void> {
    try {
      await this.#options.spool.markPushed(file);
    } catch (error) {
      this.#options.onUnmarked(file, error);
    }
    this.#archived.add(file);
    this.#ahead += 1;
  }

  #failed(file: string, error: ArchiveError, onFailed: PusherOptions['onFailed']): void {
    this.#failure = failureOf(file, error, this.#failure);
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, this.#pause * 2));
    this.#pausedUntil = performance.now() + this.#pause;
    onFailed(file, error);
  }

  #leavesOut(file: string): boolean {
    const { reach }: { reach: Reach | null } = this.#options.permission();
    const segmentBytes = this.#options.segmentBytes();
    return (
      reach !== null && segmentBytes !== null && judge(file, reach, segmentBytes).verdict === 'leave-out'
    );
  }
}

/** A failure for people; that of the same file for the same reason goes on. */
export function failureOf(file: string, error: ArchiveError, before: PushFailure | null): PushFailure {
  const { code, message, remedy } = error;
  const isSame = before?.file === file && before.code === code;
  return { file, code, message, remedy, since: isSame ? before.since : new Date() };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
