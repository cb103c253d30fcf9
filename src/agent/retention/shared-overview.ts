import type { ArchiveOverview } from '../../archive/catalog/overview.ts';

/**
 * Looks at the whole archive for whoever asks, one look at a time. A look that had begun before a question may have missed
 * what came since (a backup, a removal): the next one answers it, and all who ask meanwhile.
 */
export class SharedOverview {
  readonly #read: () => Promise<ArchiveOverview>;
  #running: Promise<unknown> | null = null;
  #next: Promise<ArchiveOverview> | null = null;

  constructor(read: () => Promise<ArchiveOverview>) {
    this.#read = read;
  }

  /** @throws ArchiveError */
  async get(): Promise<ArchiveOverview> {
    this.#next ??= this.#afterRunning();
    return await this.#next;
  }

  async #afterRunning(): Promise<ArchiveOverview> {
    // Its outcome is for those who asked for it.
    await this.#running?.catch(() => undefined);
    this.#next = null;
    const look = this.#read();
    this.#running = look;
    try {
      return await look;
    } finally {
      if (this.#running === look) this.#running = null;
    }
  }
}
