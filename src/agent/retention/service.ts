import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
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
import type { Context } from '../context.ts';
import { recoveryInTheWay } from '../recovery/in-the-way.ts';
import { roleOf } from '../status.ts';
import { failureOf, type Job } from './job.ts';
import { Jobs } from './jobs.ts';
import { catalogReport } from './report.ts';
import { SharedOverview } from './shared-overview.ts';
import { ArchiveWatch } from './watch.ts';
import { ArchiveWorks } from './works.ts';

export interface CatalogServiceOptions {
  readonly configuration: Configuration;
  readonly context: Context;
  view(): View | null;
  access(): CallAccess;
  /** The newest backup's name, as far as this member knows; null: none, or it does not know. */
  newestBackup(): string | null;
}

/** Milliseconds. */
const LOOK = 30_000;
const LOOK_WHILE_DRILLED = 5_000;
const OVERVIEW_WITHIN = 120_000;

/**
 * What the agent does with the archive beside filling it: tells what is in it, keeps it as small as the rules say,
 * verifies it, and holds drills. Retention runs on the primary, so that one member does; drills beside a standby.
 */
export class CatalogService implements CatalogPort {
  readonly #options: CatalogServiceOptions;
  readonly #works: ArchiveWorks;
  readonly #jobs: Jobs;
  readonly #watch: ArchiveWatch;
  readonly #overview: SharedOverview;
  readonly #wakeup = new Wakeup();

  /** `configuration.archive.url` is given. */
  constructor(options: CatalogServiceOptions) {
    this.#options = options;
    const { configuration, context, view } = options;
    this.#works = new ArchiveWorks(configuration, view);
    this.#jobs = new Jobs(context.log);
    this.#overview = new SharedOverview(() => this.#works.overview(true, this.#bound()));
    this.#watch = new ArchiveWatch({
      configuration,
      leads: () => {
        const seen = view();
        return seen !== null && roleOf(seen) === 'primary' && recoveryInTheWay(seen) === null;
      },
      newestBackup: options.newestBackup,
      // Listings alone: of an idle cluster, looking for the last commit takes many segments.
      overview: () => this.#works.overview(false, this.#bound()),
      drills: () => this.#works.drills(this.#bound()),
      begin: (request) => this.begin(request),
      log: context.log,
    });
  }

  /** For status and metrics; only the primary looks at the archive by itself. */
  report(): CatalogReport {
    return catalogReport(this.#watch, this.#jobs);
  }

  jobs(): readonly JobReport[] {
    return this.#jobs.reports();
  }

  async overview(gone: AbortSignal): Promise<ArchiveOverview | Refused> {
    try {
      return await this.#overview.get();
    } catch (error) {
      gone.throwIfAborted();
      return { refused: failureOf(error), status: 503 };
    }
  }

  async begin(request: JobRequest): Promise<BegunJob | Refused> {
    const view = this.#options.view();
    const unconfirmed = request.kind === 'verify' || view === null ? null : recoveryInTheWay(view);
    if (unconfirmed !== null) return unconfirmed;
    const { self } = this.#options.context;
    const member = request.kind === 'drill' ? this.#drillMember(request.on) : self;
    if (typeof member !== 'string') return member;
    if (member !== self) return await this.#passOn(request, member);
    const busy = this.#jobs.busyWith(request.kind);
    if (busy !== null)
      return refuse(409, 'JOB_RUNNING', `${self} is at ${busy} already`, 'Wait until it is done.');
    const { id } = this.#jobs.begin(request, (job, signal) => this.#work(job, request, signal));
    return { message: `${self} begins: ${request.kind}`, member: self, id };
  }

  /** Keeps the schedules until the signal ends; what runs then is cancelled, and clears up after itself. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        await this.#watch.look();
        await this.#wakeup.sleep(millis(this.#watch.expectsDrill ? LOOK_WHILE_DRILLED : LOOK), signal);
      }
    } finally {
      await this.#jobs.close();
    }
  }

  async #passOn(request: JobRequest, member: MemberName): Promise<BegunJob | Refused> {
    const { context, access } = this.#options;
    const body = { ...request, on: member };
    const { signal } = this.#jobs;
    const begun = await callMember<BegunJob>(context, member, '/v1/jobs', body, access(), signal);
    if (!('refused' in begun)) {
      this.#watch.expectDrill();
      this.#wakeup.wake();
    }
    return begun;
  }

  async #work(job: Job, request: JobRequest, signal: AbortSignal): Promise<unknown> {
    switch (request.kind) {
      case 'retention':
      case 'delete': {
        const began = Date.now();
        const result = await this.#works.remove(job, request, signal);
        if (request.dryRun) return result;
        this.#watch.changed(request.kind === 'retention' ? began : null);
        this.#wakeup.wake();
        return result;
      }
      case 'verify':
        return await this.#works.verify(job, request, signal);
      case 'drill': {
        const result = await this.#works.drill(job, request.backup, signal);
        this.#watch.drilled(await this.#works.drills(this.#bound()));
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

  #bound(): AbortSignal {
    return AbortSignal.any([this.#jobs.signal, AbortSignal.timeout(OVERVIEW_WITHIN)]);
  }
}

function refuse(status: Refused['status'], code: string, message: string, remedy: string): Refused {
  return { refused: { code, message, remedy }, status };
}
