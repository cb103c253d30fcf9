/** How far a restore has come, as plain data: for a terminal, for `/v1/status`, for a log. */
export interface RestoreProgress {
  readonly phase: 'planning' | 'unpacking' | 'checking' | 'recovering' | 'finishing';
  readonly done: number;
  /** Null: it cannot be known. */
  readonly total: number | null;
  /** Bytes a second, of late; null: too early to tell. */
  readonly rate: number | null;
  /** Milliseconds to the end of this phase at this rate; null: unknown. */
  readonly remaining: number | null;
  /** What just now, for people: `part_003.tar.zst`, `000000010000000000000012`, or what is waited for. */
  readonly detail: string;
}

export type ReportRestore = (progress: RestoreProgress) => void;

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** The rate is that of the last so many milliseconds. */
const WINDOW = 10_000;
const LEAST = 500;

/** Rate and estimate of a work that counts up. Time comes in from outside, in milliseconds. */
export class Pace {
  readonly #samples: Sample[] = [];

  /** Takes down how far it is; gives the rate (a second) and the time left (milliseconds). */
  at(
    now: number,
    done: number,
    total: number | null,
  ): { readonly rate: number | null; readonly remaining: number | null } {
    this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) >= WINDOW) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || now - first.at < LEAST) return { rate: null, remaining: null };
    const rate = ((done - first.done) * 1000) / (now - first.at);
    const left = total === null ? null : Math.max(0, total - done);
    return { rate, remaining: left === null || rate <= 0 ? null : (left * 1000) / rate };
  }
}
