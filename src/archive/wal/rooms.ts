/** Left to the collector beyond so many that nobody uses. */
const KEPT = 4;

/** A piece of memory for a segment, which threads share. */
export type Room = Uint8Array<SharedArrayBuffer>;

/**
 * Memory for segments, used again and again. It is shared with the thread that works on it, so nothing is copied
 * between the two; and none of it counts as a thread's own, whose growth by 16 MiB at a time would have V8 collect
 * garbage for each segment.
 */
export class Rooms {
  #free: Room[] = [];

  /** Of at least so many bytes, with anything in them. */
  take(bytes: number): Room {
    const index = this.#free.findIndex(({ byteLength }) => byteLength >= bytes);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    return found ?? new Uint8Array(new SharedArrayBuffer(bytes));
  }

  /** Nobody may read it any more, nor write into it: one that a failed call may still hold is not given back. */
  giveBack(room: Room): void {
    if (this.#free.length < KEPT) this.#free.push(room);
  }

  empty(): void {
    this.#free = [];
  }
}
