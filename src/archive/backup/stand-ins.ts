/** As long as the longest piece. */
let blank = new Uint8Array(0);

/**
 * Pieces of a tar that are compressed already: in the tar stands a view of as many bytes as they are compressed from,
 * whose content nobody reads, and which is exchanged behind it.
 */
export class StandIns {
  readonly #packed = new WeakMap<Uint8Array, Uint8Array>();

  /** What stands for so many bytes that are compressed to `packed`. */
  of(length: number, packed: Uint8Array): Uint8Array {
    if (blank.length < length) blank = new Uint8Array(length);
    const view = blank.subarray(0, length);
    this.#packed.set(view, packed);
    return view;
  }

  /** Null: the piece stands for itself. */
  packedOf(piece: Uint8Array): Uint8Array | null {
    return this.#packed.get(piece) ?? null;
  }
}
