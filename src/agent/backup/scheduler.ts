import type { WalArchive } from '../../archive/wal/push-file.ts';
import type { Configuration } from '../../config/configuration.ts';
import { millis } from '../../ha/units.ts';
import type { BegunRun, NewestBackup } from '../../http/backup-report.ts';
import type { Refused } from '../../http/routes-backup.ts';
import { Wakeup } from '../../kubernetes/wakeup.ts';
import type { Log } from '../log.ts';
import { failureOf } from './errors.ts';
import { type Newest, newestBackup } from './newest.ts';
import { isDue, type Schedule, schedule, type Tries } from './schedule.ts';

export interface SchedulerOptions {
  readonly settings: Configuration['backup'];
  /** The archive, for one look: the scheduler closes it. */
  open(signal: AbortSignal): Promise<WalArchive>;
  /** Only the primary keeps the schedule. */
  leads(): boolean;
  start(incremental: boolean): Promise<BegunRun | Refused>;
  readonly log: Log;
}

/** Milliseconds. */
const PACE = 15_000;
/** Others delete backups, and take them. */
const LOOK_EVERY = 5 * 60_000;
const LOOK_WITHIN = 60_000;
/** From when a standby asks for the end of a segment: it waits for the archive, then writes its sentinel. */
const EXPECT_FOR = 30 * 60_000;

/**
 * Has backups taken when they are due. What is due is told by the archive, not by memory: whoever is the primary, and
 * however often that changed, looks when the newest backup began.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  /** Of whole backups first: one that is due makes the increment that is due as well needless. */
  readonly #kept: readonly Kept[];
  readonly #wakeup = new Wakeup();
  #newest: Newest | null = null;
  /** By performance.now(); null: not since this member leads. */
  #lookedAt: number | null = null;
  #expectedUntil = 0;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { schedule: whole, incrementalSchedule, timeZone } = options.settings;
    const kept = (expression: string | null, incremental: boolean): Kept[] =>
      expression === null ? [] : [{ incremental, schedule: schedule(expression, timeZone), tries: null }];
    this.#kept = [...kept(whole, false), ...kept(incrementalSchedule, true)];
  }

  get newest(): NewestBackup | null {
    return this.#newest?.backup ?? null;
  }

  get nextAt(): Date | null {
    const all = this.#kept.map(({ schedule }) => schedule.nextDue(new Date())).filter((at) => at !== null);
    return all.sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
  }

  /** A backup is about to end somewhere: looks often until it is seen. */
  expect(): void {
    this.#expectedUntil = performance.now() + EXPECT_FOR;
    this.#wakeup.wake();
  }

  /** Looks at the archive again, soon: something changed there. */
  look(): void {
    this.#lookedAt = null;
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!this.#options.leads()) {
        this.#newest = null;
        this.#lookedAt = null;
      } else {
        try {
          await this.#round(signal);
        } catch (error) {
          if (signal.aborted) return;
          const { code, message } = failureOf(error);
          this.#options.log.warn(
            { event: 'backup.look-failed', code },
            `The archive's backups cannot be seen: ${message}`,
          );
        }
      }
      await this.#wakeup.sleep(millis(PACE), signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const now = Date.now();
    const at = performance.now();
    const often = at < this.#expectedUntil ? PACE : LOOK_EVERY;
    const isStale = this.#lookedAt === null || at - this.#lookedAt >= often - 1_000;
    // Before a backup is begun, it is looked whether there is one by now: another member may have led since.
    if (isStale || this.#due(now) !== null) {
      const bound = AbortSignal.any([signal, AbortSignal.timeout(LOOK_WITHIN)]);
      const archive = await this.#options.open(bound);
      try {
        const before = this.newest?.name;
        this.#newest = await newestBackup(archive, bound);
        if (this.newest?.name !== before) this.#expectedUntil = 0;
        this.#lookedAt = performance.now();
      } finally {
        archive.store.close();
      }
    }
    const kept = this.#due(now);
    if (kept === null) return;
    const due = dueOf(kept, now) ?? 0;
    const count = kept.tries !== null && kept.tries.due === due ? kept.tries.count + 1 : 1;
    kept.tries = { due, count, lastAt: now };
    const answer = await this.#options.start(kept.incremental);
    const { log } = this.#options;
    if ('refused' in answer) {
      const { code, message } = answer.refused;
      log.warn(
        { event: 'backup.schedule-refused', code },
        `The backup that is due was not begun: ${message}`,
      );
    } else {
      log.info({ event: 'backup.scheduled', member: answer.member, run: answer.run }, answer.message);
    }
  }

  /** The schedule by which a backup is to be begun now; null: none. */
  #due(now: number): Kept | null {
    const { backup, wholeAt } = this.#newest ?? { backup: null, wholeAt: null };
    const any = backup === null ? null : Date.parse(backup.startedAt);
    const whole = wholeAt?.getTime() ?? null;
    const due = (kept: Kept): boolean =>
      isDue(now, dueOf(kept, now), kept.incremental ? any : whole, kept.tries);
    return this.#kept.find(due) ?? null;
  }
}

/** A schedule that is kept, with its tries. */
interface Kept {
  readonly incremental: boolean;
  readonly schedule: Schedule;
  tries: Tries | null;
}

function dueOf({ schedule }: Kept, now: number): number | null {
  return schedule.lastDue(new Date(now))?.getTime() ?? null;
}
