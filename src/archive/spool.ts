import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Two directories on the member's volume that spare a call of the agent: `pushed/` has an empty file for each segment
 * that the archive has, for archive_command to look for; `fetched/` has whole files of the archive, for
 * restore_command to move. Neither is trusted across a start of the agent: it empties both. What has a name after a
 * rewind or a clone may be other WAL: a mark counts only when it is newer than its file, and goes when this member no
 * longer archives. Loads nothing heavy: it is emptied before Postgres starts.
 */
export class Spool {
  readonly directory: string;
  readonly pushed: string;
  readonly fetched: string;
  /** Segments that outlive a rewind or a clone, until the archive has them: see `keepWal`. Never emptied here. */
  readonly kept: string;
  /** Beside it, so that whoever watches what lies ready is not told of each piece that is written. */
  readonly #incoming: string;

  constructor(volume: string) {
    this.directory = join(volume, 'archive');
    this.pushed = join(this.directory, 'pushed');
    this.fetched = join(this.directory, 'fetched');
    this.kept = join(this.directory, 'kept');
    this.#incoming = join(this.directory, 'fetching');
  }

  /** Makes them, empty. */
  async empty(): Promise<void> {
    for (const path of [this.pushed, this.fetched, this.#incoming]) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
    }
  }

  /** Where WAL is not archived from here any more. */
  async forgetPushed(): Promise<void> {
    for (const name of await readdir(this.pushed)) await rm(join(this.pushed, name), { force: true });
  }

  /** A mark is empty: making it is one step, and its time is now, also where one of that name lay there. */
  async markPushed(file: string): Promise<void> {
    await writeFile(join(this.pushed, file), '', { mode: 0o600 });
  }

  async listPushed(): Promise<ReadonlySet<string>> {
    return new Set(await readdir(this.pushed));
  }

  async unmarkPushed(file: string): Promise<void> {
    await rm(join(this.pushed, file), { force: true });
  }

  /** The names of whole files that lie ready for restore_command. */
  async listFetched(): Promise<ReadonlySet<string>> {
    return new Set((await readdir(this.fetched)).filter((name) => !name.startsWith('.')));
  }

  /** Makes a file of the archive ready: written aside and moved, so that it is whole or not there. */
  async addFetched(file: string, write: (path: string) => Promise<void>): Promise<void> {
    const path = join(this.#incoming, `${file}.${Math.random().toString(36).slice(2)}`);
    try {
      await writeFile(path, '', { mode: 0o600 });
      await write(path);
      await rename(path, join(this.fetched, file));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async dropFetched(file: string): Promise<void> {
    await rm(join(this.fetched, file), { force: true });
  }
}
