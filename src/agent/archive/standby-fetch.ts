import type { Archiver } from '../../archive/archiver.ts';
import type { Spool } from '../../archive/spool.ts';
import { answerFetch, type WalAnswer } from '../../archive/wal/answers.ts';
import { WalFetcher } from '../../archive/wal/fetcher.ts';
import { timelineOfName, walFileKind } from '../../archive/wal/names.ts';
import type { WalArchive } from '../../archive/wal/push-file.ts';
import { WALG_LAYOUT } from '../../archive/wal/source.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Log } from '../log.ts';

export interface StandbyFetchOptions {
  readonly archiver: Pick<Archiver, 'openToRead'>;
  readonly spool: Spool;
  segmentBytes(): number | null;
  /** Up to which timeline WAL may be taken now; null: none may. */
  fetchable(): TimelineId | null;
  readonly log: Log;
}

/** Milliseconds. The local server cuts a connection that is silent for 30 s (`ServerLimits.idleTimeout`). */
export const ANSWER_WITHIN = 20_000;
const LOOK = 50;
/** Segments that lie ready or are on their way: each takes twice its size in memory. */
const AHEAD = 2;

/**
 * Answers restore_command of a standby whose upstream no longer has the WAL: full files only, never a piece of the
 * tail, whose zeros behind it could take the place of bytes that this member has acknowledged.
 */
export class StandbyFetch {
  readonly #options: StandbyFetchOptions;
  #current: {
    readonly archive: WalArchive;
    readonly fetcher: WalFetcher;
    readonly end: AbortController;
  } | null = null;

  constructor(options: StandbyFetchOptions) {
    this.#options = options;
  }

  /** Bounded; and given up the moment that this member may take nothing any more: a promotion must not wait for it. */
  async fetch(file: string, gone: AbortSignal): Promise<WalAnswer> {
    if (!this.#mayTake(file)) return { status: 503, text: `${file} is not taken from the archive now` };
    const ended = new AbortController();
    const signal = AbortSignal.any([gone, ended.signal, AbortSignal.timeout(ANSWER_WITHIN)]);
    const watch = setInterval(() => {
      if (!this.#mayTake(file)) ended.abort();
    }, LOOK);
    try {
      const fetcher = await this.#fetcher(signal);
      if (fetcher === null) return { status: 503, text: `${file} cannot be asked for: the agent starts` };
      return await answerFetch(file, fetcher, signal);
    } catch (error) {
      return { status: 503, text: error instanceof Error ? error.message : String(error) };
    } finally {
      clearInterval(watch);
    }
  }

  /** Every now and then: what was read ahead goes once nothing may be taken. */
  async look(): Promise<void> {
    if (this.#current === null || this.#options.fetchable() !== null) return;
    this.close();
    const { spool } = this.#options;
    for (const file of await spool.listFetched()) await spool.dropFetched(file);
  }

  close(): void {
    this.#current?.end.abort();
    this.#current = null;
  }

  #mayTake(file: string): boolean {
    const timeline = this.#options.fetchable();
    return timeline !== null && walFileKind(file) !== null && timelineOfName(file) <= timeline;
  }

  async #fetcher(signal: AbortSignal): Promise<WalFetcher | null> {
    const { archiver, spool, segmentBytes, log } = this.#options;
    const size = segmentBytes();
    if (size === null) return null;
    const archive = await archiver.openToRead(signal);
    if (this.#current?.archive === archive) return this.#current.fetcher;
    this.close();
    const end = new AbortController();
    const fetcher = new WalFetcher({
      source: { ...archive, layout: WALG_LAYOUT },
      spool,
      segmentBytes: size,
      useTail: false,
      ahead: AHEAD,
      onWaiting: (file, error) =>
        log.debug({ event: 'archive.fetch.waiting', file, code: error.code }, error.message),
      onFetched: (file, _from, took) =>
        log.debug({ event: 'archive.fetched', file, took }, `${file} came from the archive`),
    });
    fetcher.run(end.signal).catch((error: unknown) => {
      log.warn({ event: 'archive.fetch.failed', err: error }, 'the archive is not read ahead');
    });
    this.#current = { archive, fetcher, end };
    return fetcher;
  }
}
