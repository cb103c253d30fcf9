import { randomUUID } from 'node:crypto';
import type { BackupProgress } from '../../archive/backup/progress.ts';
import type { WrittenBackup } from '../../archive/backup/sentinel.ts';
import type { EndedBackup, RunningBackup } from '../../http/backup-report.ts';
import { failureOf } from './errors.ts';

/** One backup that this agent takes, or took. */
export class BackupRun {
  readonly id = randomUUID().slice(0, 8);
  readonly startedAt = new Date();
  readonly #begun = Promise.withResolvers<void>();
  #progress: BackupProgress | null = null;
  #ended: EndedBackup | null = null;
  #failure: unknown = null;
  #whyWhole: string | null = null;

  /** Fulfilled when it holds the lock, or has failed before: then it is known whether it runs. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** What it failed with; null: it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  get ended(): EndedBackup | null {
    return this.#ended;
  }

  progressed(progress: BackupProgress): void {
    this.#progress = progress;
    if (progress.phase !== 'lock') this.#begun.resolve();
  }

  /** Everything is backed up although only what changed was wanted. */
  isWhole(why: string): void {
    this.#whyWhole = why;
  }

  succeeded({ name, dataBytes, storedBytes, parent }: WrittenBackup): void {
    this.#end({ outcome: 'done', name, dataBytes, storedBytes, parent, error: null });
  }

  failed(error: unknown): void {
    this.#failure = error;
    const { name = null, readBytes: dataBytes = 0, storedBytes = 0 } = this.#progress ?? {};
    this.#end({ outcome: 'failed', name, dataBytes, storedBytes, parent: null, error: failureOf(error) });
  }

  report(): RunningBackup {
    const {
      phase = 'lock',
      name = null,
      readBytes = 0,
      totalBytes = null,
      storedBytes = 0,
    } = this.#progress ?? {};
    return {
      run: this.id,
      phase,
      name,
      startedAt: this.startedAt.toISOString(),
      copyingSince: this.#progress?.copyingSince?.toISOString() ?? null,
      readBytes,
      totalBytes,
      storedBytes,
    };
  }

  #end(how: Omit<EndedBackup, 'run' | 'startedAt' | 'endedAt' | 'whyWhole'>): void {
    this.#ended = {
      run: this.id,
      startedAt: this.startedAt.toISOString(),
      endedAt: new Date().toISOString(),
      whyWhole: this.#whyWhole,
      ...how,
    };
    this.#begun.resolve();
  }
}
