import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
import type { DrillRecord } from '../../archive/drill/result.ts';
import type { Configuration } from '../../config/configuration.ts';
import { type MemberName, memberName } from '../../ha/member.ts';
import { millis } from '../../ha/units.ts';
import type { View } from '../../ha/view.ts';
import type { BegunJob, CatalogReport, JobReport, JobRequest } from '../../http/catalog-report.ts';
import type { Refused } from '../../http/routes-backup.ts';
import type { CatalogPort } from '../../http/routes-catalog.ts';
import { Wakeup } from '../../kubernetes/wakeup.ts';
import { type CallAccess, callMember } from '../backup/call-member.ts';
import { chooseMember } from '../backup/choose.ts';
import { schedule } from '../backup/schedule.ts';
import type { Context } from '../context.ts';
import { roleOf } from '../status.ts';
import { failureOf, Job } from './job.ts';
import { afterTry, type JobTries, jobIsDue } from './scheduled.ts';
import { summaryOf } from './summary.ts';
import { ArchiveWorks } from './works.ts';

export interface CatalogServiceOptions {
  readonly configuration: Configuration;
  readonly context: Context;
  view(): View | null;
  access(): CallAccess;
}

/** Milliseconds. */
const LOOK = 30_000;
/** How often the primary looks at the whole archive, for metrics. */
const OVERVIEW_EVERY = 10 * 60_000;
/** One answer serves all who ask within so long. */
const FRESH = 5_000;
const OVERVIEW_WITHIN = 120_000;

/**
 * What the agent does with the archive beside filling it: tells what is in it, keeps it as small as the rules say,
 * verifies it, and holds drills. Retention runs on the primary, so that one member does; drills beside a standby.
 */
export class CatalogService implements CatalogPort {
  readonly #options: CatalogServiceOptions;
  readonly #works: ArchiveWorks;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Set<Promise<void>>();
  readonly #end = new AbortController();
  readonly #wakeup = new Wakeup();
  #overview: { readonly value: ArchiveOverview; readonly at: number } | null = null;
  #asking: Promise<ArchiveOverview> | null = null;
  /** What the primary saw when it last looked by itself. */
  #seen: ArchiveOverview | null = null;
  #lookedAt: number | null = null;
  #drills: DrillRecord = { last: null, lastGood: null };
  #retentionAt: number | null = null;
  #retentionTries: JobTries | null = null;
  #drillTries: JobTries | null = null;

  /** `configuration.archive.url` is given. */
  constructor(options: CatalogServiceOptions) {
    this.#options = options;
    this.#works = new ArchiveWorks(options.configuration, options.view);
  }

  /** For metrics; only the primary looks at the archive by itself. */
  report(): CatalogReport {
    const overview = this.#seen;
    const onPresent = overview?.intervals.find(({ timeline }) => timeline === overview.timeline) ?? null;
    return {
      backups: overview?.backups.length ?? null,
      holes: overview?.holes.length ?? null,
      firstRecoverable: onPresent?.fromTime ?? null,
      storedBytes:
        overview === null
          ? null
          : overview.backups.reduce((sum, { storedBytes }) => sum + storedBytes, overview.walBytes),
      lastDrill: this.#drills.last,
      lastGoodDrill: this.#drills.lastGood,
      retention: this.#outcomeOf('retention'),
      verify: this.#outcomeOf('verify'),
    };
  }

  jobs(): readonly JobReport[] {
    return [...this.#jobs.values()].map((job) => job.report());
  }

  async overview(gone: AbortSignal): Promise<ArchiveOverview | Refused> {
    const known = this.#overview;
    if (known !== null && performance.now() - known.at < FRESH) return known.value;
    this.#asking ??= this.#read(true)
      .then((value) => {
        this.#overview = { value, at: performance.now() };
        return value;
      })
      .finally(() => {
        this.#asking = null;
      });
    try {
      return await this.#asking;
    } catch (error) {
      gone.throwIfAborted();
      return { refused: failureOf(error), status: 503 };
    }
  }

  async begin(request: JobRequest): Promise<BegunJob | Refused> {
    const { context } = this.#options;
    const elsewhere = request.kind === 'drill' ? this.#drillMember(request.on) : context.self;
    if (typeof elsewhere !== 'string') return elsewhere;
    if (elsewhere !== context.self) {
      const body = { ...request, on: elsewhere };
      return await callMember<BegunJob>(
        context,
        elsewhere,
        '/v1/jobs',
        body,
        this.#options.access(),
        this.#end.signal,
      );
    }
    const slot = request.kind === 'delete' ? 'retention' : request.kind;
    const busy = [...this.#jobs.values()].find(
      (job) => job.isRunning && (job.kind === 'delete' ? 'retention' : job.kind) === slot,
    );
    if (busy !== undefined)
      return refuse(
        409,
        'JOB_RUNNING',
        `${context.self} is at ${busy.kind} already`,
        'Wait until it is done.',
      );
    const job = new Job(request.kind);
    this.#jobs.set(request.kind, job);
    const running = this.#carryOut(job, request).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return { message: `${context.self} begins: ${request.kind}`, member: context.self, id: job.id };
  }

  /** Keeps the schedules until the signal ends; what runs then is cancelled, and clears up after itself. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#look();
        await this.#wakeup.sleep(millis(LOOK), signal);
      }
    } finally {
      this.#end.abort();
      await Promise.allSettled([...this.#running]);
    }
  }

  async #look(): Promise<void> {
    const { configuration, context, view: latest } = this.#options;
    const view = latest();
    if (view === null || roleOf(view) !== 'primary') return;
    const { retention, drill } = configuration;
    const now = Date.now();
    try {
      if (this.#lookedAt === null || performance.now() - this.#lookedAt >= OVERVIEW_EVERY) {
        // Listings alone: of an idle cluster, looking for the last commit takes many segments.
        this.#seen = await this.#read(false);
        this.#lookedAt = performance.now();
        this.#drills = await this.#works.drills(this.#bound());
      }
      if (retention.window !== null || retention.count !== null) {
        const times = schedule(retention.schedule, retention.timeZone);
        if (jobIsDue(now, times, this.#retentionAt, this.#retentionTries)) {
          this.#retentionTries = afterTry(now, times, this.#retentionTries);
          this.#told(await this.begin({ kind: 'retention', dryRun: false }));
        }
      }
      if (drill.schedule !== null && (this.#seen?.backups.length ?? 0) > 0) {
        const times = schedule(drill.schedule, drill.timeZone);
        const last = this.#drills.last === null ? null : Date.parse(this.#drills.last.startedAt);
        if (jobIsDue(now, times, last, this.#drillTries)) {
          this.#drills = await this.#works.drills(this.#bound());
          this.#drillTries = afterTry(now, times, this.#drillTries);
          this.#told(await this.begin({ kind: 'drill', backup: null, on: null }));
        }
      }
    } catch (error) {
      const { code, message } = failureOf(error);
      context.log.warn(
        { event: 'catalog.failed', code, err: error },
        `The archive was not looked at: ${message}`,
      );
    }
  }

  #told(begun: BegunJob | Refused): void {
    const { log } = this.#options.context;
    if (!('refused' in begun)) return;
    const { code, message, remedy } = begun.refused;
    // That it runs already is no failure.
    if (code !== 'JOB_RUNNING')
      log.warn({ event: 'job.refused', code, remedy }, `What is due is refused: ${message}`);
  }

  async #carryOut(job: Job, request: JobRequest): Promise<void> {
    const { log } = this.#options.context;
    const { signal } = this.#end;
    log.info({ event: 'job.begun', job: job.id, ...request }, `${request.kind} begins`);
    try {
      const result = await this.#work(job, request, signal);
      job.done(result);
      const isGood = (result as { readonly ok?: boolean } | null)?.ok !== false;
      log[isGood ? 'info' : 'error'](
        { event: isGood ? 'job.done' : 'job.bad', job: job.id, kind: request.kind, ...summaryOf(result) },
        isGood ? `${request.kind} is done` : `${request.kind} found something wrong: see GET /v1/jobs`,
      );
    } catch (error) {
      job.failed(error);
      const { code, message, remedy } = failureOf(error);
      log.error(
        { event: 'job.failed', job: job.id, kind: request.kind, code, remedy, err: error },
        `${request.kind} failed: ${message}`,
      );
    }
  }

  async #work(job: Job, request: JobRequest, signal: AbortSignal): Promise<unknown> {
    switch (request.kind) {
      case 'retention':
      case 'delete': {
        const began = Date.now();
        const result = await this.#works.remove(job, request, signal);
        if (request.dryRun) return result;
        if (request.kind === 'retention') this.#retentionAt = began;
        this.#overview = null;
        this.#lookedAt = null;
        return result;
      }
      case 'verify':
        return await this.#works.verify(job, request, signal);
      case 'drill': {
        const result = await this.#works.drill(job, request.backup, signal);
        this.#drills = await this.#works.drills(this.#bound());
        return result;
      }
    }
  }

  /** Who holds a drill: this member, another, or nobody. */
  #drillMember(on: string | null): MemberName | Refused {
    const { context, view: latest } = this.#options;
    const view = latest();
    if (on !== null) {
      if (on === context.self || context.peers.record(memberName(on)) !== null) return memberName(on);
      return refuse(404, 'MEMBER_UNKNOWN', `there is no member ${on}`, 'See "pgwarden status".');
    }
    if (view === null) return refuse(503, 'STARTING', 'the agent starts', 'Try again in a moment.');
    const choice = chooseMember(view, context.clock.now(), 'standby');
    return (
      choice.member ??
      refuse(412, 'MEMBER_UNFIT', choice.why, 'See "pgwarden status", or name a member: --on.')
    );
  }

  async #read(times: boolean): Promise<ArchiveOverview> {
    return await this.#works.overview(times, this.#bound());
  }

  #bound(): AbortSignal {
    return AbortSignal.any([this.#end.signal, AbortSignal.timeout(OVERVIEW_WITHIN)]);
  }

  #outcomeOf(kind: 'retention' | 'verify'): { readonly ok: boolean; readonly endedAt: string } | null {
    const report = this.#jobs.get(kind)?.report();
    if (report === undefined || report.endedAt === null) return null;
    const found = report.result as { readonly ok?: boolean } | null;
    return { ok: report.state === 'done' && found?.ok !== false, endedAt: report.endedAt };
  }
}

function refuse(status: Refused['status'], code: string, message: string, remedy: string): Refused {
  return { refused: { code, message, remedy }, status };
}
