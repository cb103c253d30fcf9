import { ArchiveError, StoreFaultError } from './errors.ts';

/** What went on, for the log; `event` is stable. */
export type ArchiveLog = (level: 'info' | 'warn', event: string, message: string, details: object) => void;

/** What fails by itself, and is well again by itself. */
export type Subject = 'push' | 'tail' | 'term' | 'standby' | 'kept';

/** Tells failures to the log: one line each time that a subject's reason changes, and one when it is over. */
export class Told {
  readonly #log: ArchiveLog;
  readonly #codes = new Map<Subject, string>();

  constructor(log: ArchiveLog) {
    this.#log = log;
  }

  failed(subject: Subject, cause: unknown, file?: string): void {
    const { code, message, remedy } = asArchiveError(cause);
    if (code === 'ARCHIVE_CANCELLED' || this.#codes.get(subject) === code) return;
    this.#codes.set(subject, code);
    const details = { code, remedy, file, subject };
    // What nobody thought of is told with where it comes from.
    this.#log(
      'warn',
      'archive.failed',
      message,
      cause instanceof ArchiveError ? details : { ...details, err: cause },
    );
  }

  well(subject: Subject, details: object = {}): void {
    if (!this.#codes.delete(subject)) return;
    this.#log('info', 'archive.recovered', `the archive is well again (${subject})`, { subject, ...details });
  }
}

/** An error of the archive, whatever it was. */
export function asArchiveError(error: unknown): ArchiveError {
  if (error instanceof ArchiveError) return error;
  return new StoreFaultError('the archive', error instanceof Error ? error.message : String(error), error);
}
