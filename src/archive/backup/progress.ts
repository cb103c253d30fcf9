/** What a backup is at. */
export type BackupPhase =
  | 'lock'
  | 'clean-up'
  | 'checkpoint'
  | 'changes'
  | 'copy'
  | 'stop'
  | 'wait-for-wal'
  | 'sentinel';

/** How far a backup has come. Rates are for who shows it: sizes and when it began are enough. */
export interface BackupProgress {
  readonly phase: BackupPhase;
  /** Null: it is not known yet. */
  readonly name: string | null;
  /** Bytes of files: read so far, and roughly in all; null: not counted yet. */
  readonly readBytes: number;
  readonly totalBytes: number | null;
  readonly storedBytes: number;
  /** When copying began; null: not yet. */
  readonly copyingSince: Date | null;
}

/** Keeps it, and tells each change. */
export class ProgressKeeper {
  #now: BackupProgress = {
    phase: 'lock',
    name: null,
    readBytes: 0,
    totalBytes: null,
    storedBytes: 0,
    copyingSince: null,
  };
  readonly #tell: (progress: BackupProgress) => void;

  constructor(tell: (progress: BackupProgress) => void) {
    this.#tell = tell;
  }

  get now(): BackupProgress {
    return this.#now;
  }

  set(change: Partial<BackupProgress>): void {
    this.#now = { ...this.#now, ...change };
    this.#tell(this.#now);
  }

  read(bytes: number): void {
    this.set({ readBytes: this.#now.readBytes + bytes });
  }

  stored(bytes: number): void {
    this.set({ storedBytes: this.#now.storedBytes + bytes });
  }
}
