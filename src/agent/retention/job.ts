import { randomBytes } from 'node:crypto';
import type { JobKind, JobReport } from '../../http/catalog-report.ts';

/** A work on the archive, as it goes on and as it ended. */
export class Job {
  readonly id = randomBytes(6).toString('hex');
  readonly kind: JobKind;
  readonly #startedAt = new Date();
  #endedAt: Date | null = null;
  #detail = '';
  #fraction: number | null = null;
  #result: unknown = null;
  #error: JobReport['error'] = null;

  constructor(kind: JobKind) {
    this.kind = kind;
  }

  get isRunning(): boolean {
    return this.#endedAt === null;
  }

  progressed(detail: string, fraction: number | null = null): void {
    this.#detail = detail;
    this.#fraction = fraction;
  }

  done(result: unknown): void {
    this.#result = result;
    this.#fraction = 1;
    this.#endedAt = new Date();
  }

  failed(error: unknown): void {
    this.#error = failureOf(error);
    this.#endedAt = new Date();
  }

  report(): JobReport {
    return {
      id: this.id,
      kind: this.kind,
      state: this.#endedAt === null ? 'running' : this.#error === null ? 'done' : 'failed',
      startedAt: this.#startedAt.toISOString(),
      endedAt: this.#endedAt?.toISOString() ?? null,
      detail: this.#detail,
      fraction: this.#fraction,
      result: this.#result,
      error: this.#error,
    };
  }
}

/** Code, sentence and remedy of any error. */
export function failureOf(error: unknown): NonNullable<JobReport['error']> {
  const { code, remedy } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly remedy?: unknown;
  };
  return {
    code: typeof code === 'string' ? code : 'JOB_FAILED',
    message: error instanceof Error ? error.message : String(error),
    remedy: typeof remedy === 'string' ? remedy : 'See the log of this member.',
  };
}
