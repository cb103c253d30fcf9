import { type Millis, millis, type TimelineId } from '../ha/units.ts';
import { ArchiveError } from './errors.ts';
import type { OwnArchive } from './opened-archive.ts';
import type { ArchiveLog } from './told.ts';
import { offerOldTimelines } from './wal/backfill.ts';
import { fillTimelines } from './wal/fill-timelines.ts';
import type { Permission, Reach } from './wal/permit.ts';

export interface TermOptions {
  readonly archive: OwnArchive;
  readonly walDirectory: string;
  permission(): Permission;
  segmentBytes(): number | null;
  readonly log: ArchiveLog;
}

/** Milliseconds. A store that is slow to tell what it has is not waited for: everything is offered then. */
const ASK_WITHIN = millis(5_000);
const FILL_WITHIN = millis(60_000);
const RECHECK_EVERY = millis(60_000);

/**
 * What the archive needs once in each term of a primary, beside the WAL that comes: what the old primary did not come
 * to, and a history under each number. And, now and then, whether it is still this cluster's archive.
 */
export class Term {
  readonly #options: TermOptions;
  #offered: TimelineId | null = null;
  #filled: TimelineId | null = null;
  #toldCreation = false;
  #checkedAt = 0;

  constructor(options: TermOptions) {
    this.#options = options;
  }

  /** The timeline whose earlier ones have been offered; null: none. */
  get offered(): TimelineId | null {
    return this.#offered;
  }

  /** One look. `now`: monotonic milliseconds. @throws ArchiveError; the next look goes on */
  async look(now: number, signal: AbortSignal): Promise<void> {
    const { permission, archive } = this.#options;
    const { reach } = permission();
    if (reach === null) {
      this.#offered = null;
      this.#filled = null;
      return;
    }
    if (this.#offered !== reach.timeline) {
      await this.#offer(reach, signal);
      this.#checkedAt = 0;
    }
    if (now - this.#checkedAt >= RECHECK_EVERY) {
      await archive.recheck(within(FILL_WITHIN, signal));
      this.#checkedAt = now;
    }
    if (this.#filled !== reach.timeline) await this.#fill(reach, within(FILL_WITHIN, signal));
  }

  /** Before anything else: Postgres may recycle old segments at its next checkpoint. */
  async #offer(reach: Reach, signal: AbortSignal): Promise<void> {
    const { walDirectory, segmentBytes, log } = this.#options;
    const size = segmentBytes();
    if (size === null) return;
    if (reach.timeline > 1) {
      const bound = within(ASK_WITHIN, signal);
      const store = await this.#storeOrNull(bound);
      const work = { walDirectory, segmentBytes: size, reach, store, signal: bound };
      const files = await offerOldTimelines(work);
      if (files.length > 0)
        log('info', 'archive.backfill', `${files.length} files of earlier timelines are archived after all`, {
          files,
        });
    }
    this.#offered = reach.timeline;
  }

  async #fill(reach: Reach, signal: AbortSignal): Promise<void> {
    const { archive, walDirectory, log } = this.#options;
    const opened = await archive.open(signal);
    if (!this.#toldCreation && opened.store.creation === 'looked-up') {
      this.#toldCreation = true;
      log(
        'warn',
        'archive.not-atomic',
        `${opened.store.name} cannot create in one step: it is looked at before`,
        {},
      );
    }
    const files = await fillTimelines(opened, walDirectory, reach, signal);
    if (files.length > 0)
      log('info', 'archive.timelines', 'numbers that promotions skipped have a history in the archive', {
        files,
      });
    this.#filled = reach.timeline;
  }

  async #storeOrNull(signal: AbortSignal) {
    try {
      return (await this.#options.archive.open(signal)).store;
    } catch (error) {
      if (error instanceof ArchiveError) return null;
      throw error;
    }
  }
}

function within(duration: Millis, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(duration)]);
}
