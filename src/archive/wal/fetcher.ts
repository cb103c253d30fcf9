import { watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLACEHOLDER } from '../../postgres/volume/timeline-history.ts';
import { ArchiveError, ObjectMissingError } from '../errors.ts';
import type { Spool } from '../spool.ts';
import { hasHistoryAfter } from '../tail/forks.ts';
import { restoreTail } from '../tail/restore.ts';
import { downloadWal } from './download.ts';
import { nextSegment, parseSegment, segmentName, timelineOfName, walFileKind } from './names.ts';
import type { WalSource } from './source.ts';
import { Unpacker } from './unpacker.ts';

export interface WalFetcherOptions {
  readonly source: WalSource;
  readonly spool: Spool;
  readonly segmentBytes: number;
  /** Whether what no full segment holds yet may come from the live tail. */
  readonly useTail: boolean;
  /** How many segments are on their way or lie ready, at most. */
  readonly ahead: number;
  /** The store fails, and is asked again: told each time. */
  onWaiting(file: string, error: ArchiveError): void;
  onFetched(file: string, from: 'archive' | 'tail', took: number): void;
}

/** Pauses between tries, in milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;
/** What no waiting mends. */
const HOPELESS = new Set(['ARCHIVE_KEY', 'ARCHIVE_OBJECT_DAMAGED', 'ARCHIVE_SETTINGS']);

/**
 * Brings WAL from the archive for restore_command, and the next segments ahead of being asked. Whole files only; one
 * counts as missing only when the store itself says so, never because it could not be asked.
 */
export class WalFetcher {
  readonly #options: WalFetcherOptions;
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #unpacker = new Unpacker();
  /** The segment to begin next; null: nothing was asked for, or the archive ends there. */
  #next: string | null = null;
  readonly #end = new AbortController();
  #isTopping = false;

  constructor(options: WalFetcherOptions) {
    this.#options = options;
  }

  /**
   * Puts a file into the spool's `fetched`. Asks again for as long as the store fails and `signal` lets it.
   *
   * @returns false: the archive has no such file
   * @throws ArchiveError
   */
  async fetch(file: string, signal: AbortSignal): Promise<boolean> {
    if (walFileKind(file) === null) return false;
    const found = await this.#obtain(file, signal);
    if (found && walFileKind(file) === 'segment') await this.#aheadOf(file);
    return found;
  }

  /** Tops up what lies ready as restore_command takes it away, without being asked. Ends with what is on its way. */
  async run(signal: AbortSignal): Promise<void> {
    const watcher = watch(this.#options.spool.fetched, () => this.#wake());
    const ended = Promise.withResolvers<void>();
    watcher.once('error', ended.reject);
    signal.addEventListener('abort', () => ended.resolve(), { once: true });
    if (signal.aborted) ended.resolve();
    try {
      await ended.promise;
    } finally {
      watcher.close();
      this.#end.abort();
      await Promise.allSettled(this.#running.values());
      this.#unpacker.close();
    }
  }

  /** One look for however many changes. What it cannot see now, the next file that is asked for tells. */
  #wake(): void {
    if (this.#isTopping) return;
    this.#isTopping = true;
    setImmediate(() => {
      this.#isTopping = false;
      this.#topUp().catch(() => undefined);
    });
  }

  async #obtain(file: string, signal: AbortSignal): Promise<boolean> {
    if ((await this.#options.spool.listFetched()).has(file)) return true;
    const running = this.#running.get(file);
    // What failed ahead of time is asked for anew, with the patience of one who needs it.
    if (running !== undefined && (await running.catch(() => false))) return true;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
      try {
        return await this.#once(file, signal);
      } catch (error) {
        if (!(error instanceof ArchiveError) || HOPELESS.has(error.code) || signal.aborted) throw error;
        this.#options.onWaiting(file, error);
        await sleep(pause, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One try, shared by all who want the file. */
  #once(file: string, signal: AbortSignal): Promise<boolean> {
    const running = this.#running.get(file);
    if (running !== undefined) return running;
    const work = this.#bring(file, this.#options.useTail, signal).finally(() => this.#running.delete(file));
    this.#running.set(file, work);
    return work;
  }

  async #bring(file: string, useTail: boolean, signal: AbortSignal): Promise<boolean> {
    const { source, spool, segmentBytes, onFetched } = this.#options;
    const began = performance.now();
    let from: 'archive' | 'tail' = 'archive';
    try {
      await spool.addFetched(file, async (path) => {
        const archived = () => downloadWal(source, file, path, segmentBytes, signal, this.#unpacker);
        if (await archived()) return;
        if (useTail && walFileKind(file) === 'segment') {
          from = 'tail';
          if (await this.#fromTail(file, path, signal)) return;
          from = 'archive';
          // The tail of a segment goes when the segment has come.
          if (await archived()) return;
        }
        if (walFileKind(file) === 'history') {
          from = 'archive';
          if (await hasHistoryAfter(source, timelineOfName(file), signal))
            return await writeFile(path, PLACEHOLDER);
        }
        throw new ObjectMissingError(source.store.name, file);
      });
    } catch (error) {
      if (error instanceof ObjectMissingError) return false;
      throw error;
    }
    onFetched(file, from, performance.now() - began);
    return true;
  }

  async #fromTail(file: string, path: string, signal: AbortSignal): Promise<boolean> {
    const { source, segmentBytes } = this.#options;
    try {
      return await restoreTail(source, file, path, segmentBytes, signal);
    } catch (error) {
      // A piece went while it was read: the segment has come.
      if (error instanceof ObjectMissingError) return false;
      throw error;
    }
  }

  async #aheadOf(file: string): Promise<void> {
    const { spool, segmentBytes } = this.#options;
    const segment = parseSegment(file, segmentBytes);
    if (segment === null) return;
    const next = segmentName(nextSegment(segment), segmentBytes);
    const timeline = file.slice(0, 8);
    // Another way through the timelines, or a new beginning: what lies there of the old one is never asked for.
    for (const ready of await spool.listFetched())
      if (ready !== file && (ready < file || ready.slice(0, 8) !== timeline)) await spool.dropFetched(ready);
    if (this.#next === null || this.#next <= next || this.#next.slice(0, 8) !== timeline) this.#next = next;
    await this.#topUp();
  }

  async #topUp(): Promise<void> {
    const { spool, ahead, segmentBytes } = this.#options;
    const ready = await spool.listFetched();
    while (this.#next !== null && ready.size + this.#running.size < ahead) {
      const file = this.#next;
      const segment = parseSegment(file, segmentBytes);
      if (segment === null) return;
      this.#next = segmentName(nextSegment(segment), segmentBytes);
      if (ready.has(file) || this.#running.has(file)) continue;
      this.#begin(file);
    }
  }

  /** Full segments only: the tail grows while one waits. The end of the archive, or a fault, ends the reading ahead. */
  #begin(file: string): void {
    const work = this.#bring(file, false, this.#end.signal)
      .catch(() => false)
      .then((found) => {
        if (!found) this.#next = null;
        return found;
      })
      .finally(() => this.#running.delete(file));
    this.#running.set(file, work);
  }
}
