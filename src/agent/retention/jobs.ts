import type { JobKind, JobReport, JobRequest } from '../../http/catalog-report.ts';
import type { Log } from '../log.ts';
import { failureOf, Job } from './job.ts';
import { summaryOf } from './summary.ts';

/** How a work ended last, as far as this agent knows. */
export type JobOutcome = { readonly ok: boolean; readonly endedAt: string };

/** The works of this agent on its archive: one of each kind at a time, of which the newest is remembered. */
export class Jobs {
  readonly #log: Log;
  readonly #newest = new Map<JobKind, Job>();
  readonly #running = new Set<Promise<void>>();
  readonly #end = new AbortController();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** What runs that would be in the way; null: nothing. Two that delete would plan by what the other removes. */
  busyWith(kind: JobKind): JobKind | null {
    const slot = slotOf(kind);
    const busy = [...this.#newest.values()].find((job) => job.isRunning && slotOf(job.kind) === slot);
    return busy?.kind ?? null;
  }

  /** Begins a work without waiting for its end. Its failure is told by the log and its report. */
  begin(request: JobRequest, work: (job: Job, signal: AbortSignal) => Promise<unknown>): Job {
    const job = new Job(request.kind);
    this.#newest.set(request.kind, job);
    const running = this.#carryOut(job, request, work).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return job;
  }

  reports(): readonly JobReport[] {
    return [...this.#newest.values()].map((job) => job.report());
  }

  /** Null: none has ended since the agent started, or one runs now. */
  outcomeOf(kind: 'retention' | 'verify'): JobOutcome | null {
    const report = this.#newest.get(kind)?.report();
    if (report === undefined || report.endedAt === null) return null;
    return { ok: report.state === 'done' && isGood(report.result), endedAt: report.endedAt };
  }

  /** Cancels what runs, and waits until it has cleared up after itself. */
  async close(): Promise<void> {
    this.#end.abort();
    await Promise.allSettled([...this.#running]);
  }

  async #carryOut(
    job: Job,
    request: JobRequest,
    work: (job: Job, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const { kind } = request;
    this.#log.info({ event: 'job.begun', job: job.id, ...request }, `${kind} begins`);
    try {
      const result = await work(job, this.#end.signal);
      job.done(result);
      const good = isGood(result);
      this.#log[good ? 'info' : 'error'](
        { event: good ? 'job.done' : 'job.bad', job: job.id, kind, ...summaryOf(result) },
        good ? `${kind} is done` : `${kind} found something wrong: see GET /v1/jobs`,
      );
    } catch (error) {
      job.failed(error);
      const { code, message, remedy } = failureOf(error);
      this.#log.error(
        { event: 'job.failed', job: job.id, kind, code, remedy, err: error },
        `${kind} failed: ${message}`,
      );
    }
  }
}

function slotOf(kind: JobKind): JobKind {
  return kind === 'delete' ? 'retention' : kind;
}

function isGood(result: unknown): boolean {
  return (result as { readonly ok?: boolean } | null)?.ok !== false;
}
