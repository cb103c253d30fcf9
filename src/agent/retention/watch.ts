import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
import type { DrillRecord } from '../../archive/drill/result.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { BegunJob, JobRequest } from '../../http/catalog-report.ts';
import type { Refused } from '../../http/routes-backup.ts';
import type { Schedule } from '../backup/schedule.ts';
import { schedule } from '../backup/schedule.ts';
import type { Log } from '../log.ts';
import { failureOf } from './job.ts';
import { afterTry, type JobTries, jobIsDue } from './scheduled.ts';

export interface WatchOptions {
  readonly configuration: Pick<Configuration, 'retention' | 'drill'>;
  /** Only the primary looks, so that one member does. */
  leads(): boolean;
  /** The newest backup's name, as far as this member knows; null: none, or it does not know. */
  newestBackup(): string | null;
  overview(): Promise<ArchiveOverview>;
  drills(): Promise<DrillRecord>;
  begin(request: JobRequest): Promise<BegunJob | Refused>;
  readonly log: Log;
}

/** How often the primary looks at the whole archive, in milliseconds, where nothing tells that it changed. */
const OVERVIEW_EVERY = 10 * 60_000;
/** A drill that another member holds is looked out for as long as it may reasonably take, in milliseconds. */
const EXPECT_DRILL_FOR = 3_600_000;

/** What the primary sees of the archive by itself, and the works that its schedules bring about. */
export class ArchiveWatch {
  readonly #options: WatchOptions;
  readonly #retentionTimes: Schedule | null;
  readonly #drillTimes: Schedule | null;
  #seen: ArchiveOverview | null = null;
  /** By performance.now(); null: not since this member leads, or something has changed. */
  #lookedAt: number | null = null;
  #newestThen: string | null = null;
  #drills: DrillRecord = { last: null, lastGood: null };
  #expectDrillUntil = 0;
  #retentionAt: number | null = null;
  #retentionTries: JobTries | null = null;
  #drillTries: JobTries | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { retention, drill } = options.configuration;
    const keepsLess = retention.window !== null || retention.count !== null;
    this.#retentionTimes = keepsLess ? schedule(retention.schedule, retention.timeZone) : null;
    this.#drillTimes = drill.schedule === null ? null : schedule(drill.schedule, drill.timeZone);
  }

  /** Null: this member does not lead, or has not looked yet. */
  get seen(): ArchiveOverview | null {
    return this.#seen;
  }

  /** As the archive has them; of a standby, as it was when it held one itself. */
  get drills(): DrillRecord {
    return this.#drills;
  }

  /** Something was removed from the archive. `retentionBegan`: by the rules, Unix time in milliseconds. */
  changed(retentionBegan: number | null): void {
    this.#lookedAt = null;
    if (retentionBegan !== null) this.#retentionAt = retentionBegan;
  }

  /** A drill ended here. */
  drilled(drills: DrillRecord): void {
    this.#drills = drills;
  }

  /** Another member begins a drill: its result comes to the archive. */
  expectDrill(): void {
    this.#expectDrillUntil = performance.now() + EXPECT_DRILL_FOR;
  }

  get expectsDrill(): boolean {
    return performance.now() < this.#expectDrillUntil;
  }

  /** One look. A failure is told by the log; the next look is its remedy. */
  async look(): Promise<void> {
    const { leads, log } = this.#options;
    if (!leads()) {
      // What it saw would be told for the present state for ever.
      this.#seen = null;
      this.#lookedAt = null;
      return;
    }
    try {
      await this.#see();
      await this.#retain();
      await this.#drill();
    } catch (error) {
      const { code, message } = failureOf(error);
      log.warn({ event: 'catalog.failed', code, err: error }, `The archive was not looked at: ${message}`);
    }
  }

  async #see(): Promise<void> {
    const { overview, drills, newestBackup } = this.#options;
    const newest = newestBackup();
    const isOld = this.#lookedAt === null || performance.now() - this.#lookedAt >= OVERVIEW_EVERY;
    if (isOld || newest !== this.#newestThen) {
      this.#seen = await overview();
      this.#lookedAt = performance.now();
      this.#newestThen = newest;
      this.#drills = await drills();
    } else if (this.expectsDrill) {
      const before = this.#drills.last?.startedAt ?? null;
      this.#drills = await drills();
      if ((this.#drills.last?.startedAt ?? null) !== before) this.#expectDrillUntil = 0;
    }
  }

  async #retain(): Promise<void> {
    const times = this.#retentionTimes;
    const now = Date.now();
    if (times === null || !jobIsDue(now, times, this.#retentionAt, this.#retentionTries)) return;
    this.#retentionTries = afterTry(now, times, this.#retentionTries);
    this.#told(await this.#options.begin({ kind: 'retention', dryRun: false }));
  }

  async #drill(): Promise<void> {
    const times = this.#drillTimes;
    if (times === null || (this.#seen?.backups.length ?? 0) === 0) return;
    const now = Date.now();
    const isDue = (): boolean => {
      const { last } = this.#drills;
      return jobIsDue(now, times, last === null ? null : Date.parse(last.startedAt), this.#drillTries);
    };
    if (!isDue()) return;
    // What it knows may be ten minutes old, and another primary's drill have come about since.
    this.#drills = await this.#options.drills();
    if (!isDue()) return;
    this.#drillTries = afterTry(now, times, this.#drillTries);
    this.#told(await this.#options.begin({ kind: 'drill', backup: null, on: null }));
  }

  #told(begun: BegunJob | Refused): void {
    if (!('refused' in begun)) return;
    const { code, message, remedy } = begun.refused;
    // That it runs already is no failure.
    if (code !== 'JOB_RUNNING')
      this.#options.log.warn({ event: 'job.refused', code, remedy }, `What is due is refused: ${message}`);
  }
}
