import type { ArchiveOverview } from '../../archive/catalog/overview.ts';

/** One answer serves all who ask within so long, in milliseconds. */
const FRESH = 5_000;

/** Looks at the whole archive for whoever asks: many who ask at once, or soon after, share one look. */
export class SharedOverview {
  readonly #read: () => Promise<ArchiveOverview>;
  #known: { readonly value: ArchiveOverview; readonly at: number } | null = null;
  #asking: Promise<ArchiveOverview> | null = null;

  constructor(read: () => Promise<ArchiveOverview>) {
    this.#read = read;
  }

  /** @throws ArchiveError */
  async get(): Promise<ArchiveOverview> {
    const known = this.#known;
    if (known !== null && performance.now() - known.at < FRESH) return known.value;
    if (this.#asking !== null) return await this.#asking;
    const asking = this.#read();
    this.#asking = asking;
    try {
      const value = await asking;
      // Not where it was told to forget meanwhile: it may have seen what is gone.
      if (this.#asking === asking) this.#known = { value, at: performance.now() };
      return value;
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  /** What is in the archive has changed: the next one who asks is not told of what was. */
  forget(): void {
    this.#known = null;
    this.#asking = null;
  }
}
