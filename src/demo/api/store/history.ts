import type { Change } from './change.ts';

/** The last changes, for watches that start in the past and for lists at an older revision. */
export class History {
  readonly #limit: number;
  readonly #changes: Change[] = [];
  #floor: number;

  /** `floor`: the revision before the first change that will be recorded. `limit`: how many changes are kept. */
  constructor(floor: number, limit: number) {
    this.#floor = floor;
    this.#limit = limit;
  }

  /** Changes above this revision are all known. */
  get floor(): number {
    return this.#floor;
  }

  add(change: Change): void {
    this.#changes.push(change);
    // Half at a time: shifting one by one would move the whole array for every change.
    if (this.#changes.length < this.#limit * 2) return;
    const dropped = this.#changes.splice(0, this.#changes.length - this.#limit);
    this.#floor = dropped.at(-1)?.revision ?? this.#floor;
  }

  /** The changes after `revision`, oldest first; null when some of them are forgotten. */
  since(revision: number): readonly Change[] | null {
    if (revision < this.#floor) return null;
    return this.#changes.filter((change) => change.revision > revision);
  }
}
