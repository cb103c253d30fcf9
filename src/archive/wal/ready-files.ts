import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../postgres/errors.ts';
import { byUrgency } from './permit.ts';

/** The notes in pg_wal/archive_status by which Postgres and its archiver tell each other what is done (xlogarchive.c). */
export class ReadyFiles {
  readonly #folder: string;

  /** `wal`: the directory pg_wal. */
  constructor(wal: string) {
    this.#folder = join(wal, 'archive_status');
  }

  /** What Postgres wants archived, the most urgent first. */
  async list(): Promise<string[]> {
    const names = await this.#names();
    return names.flatMap((name) => (name.endsWith('.ready') ? [name.slice(0, -6)] : [])).sort(byUrgency);
  }

  /**
   * Makes Postgres archive a file that it believes archived, or that it never meant to: it then keeps the file until
   * that is done, whatever becomes of this program.
   */
  async offer(file: string): Promise<void> {
    const ready = join(this.#folder, `${file}.ready`);
    try {
      await rename(join(this.#folder, `${file}.done`), ready);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await writeFile(ready, '', { mode: 0o600 });
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      // No data directory yet, or one in the making.
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
