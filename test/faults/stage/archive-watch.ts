import { createHash } from 'node:crypto';
import { chown, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEncodedName } from '../../../src/archive/codec/codec.ts';
import { walFileKind } from '../../../src/archive/wal/names.ts';
import { type Archived, checkUntouched } from '../checker/archive.ts';
import type { Violation } from '../checker/history.ts';

interface Known {
  /** Changes whenever the file is replaced or written to. */
  readonly stamp: string;
  readonly digest: string;
}

/**
 * The archive of the stage: a directory that every member mounts, as it were. Looked into from outside, again and
 * again: what was there once must be there with the same bytes ever after.
 */
export class ArchiveWatch {
  readonly directory: string;
  #known: ReadonlyMap<string, Known> = new Map();

  constructor(directory: string) {
    this.directory = directory;
  }

  get url(): string {
    return `file://${this.directory}`;
  }

  /** Made for whoever owns the volumes. */
  async make(volume: string): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    const { uid, gid } = await stat(volume);
    if (process.getuid?.() === 0) await chown(this.directory, uid, gid);
  }

  get names(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** One look; what changed since the one before. */
  async look(): Promise<readonly Violation[]> {
    const before = this.#known;
    this.#known = await this.#read(before);
    return checkUntouched(digests(before), digests(this.#known));
  }

  async #read(before: ReadonlyMap<string, Known>): Promise<ReadonlyMap<string, Known>> {
    const folder = join(this.directory, 'wal_005');
    const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    // Not what is still being written.
    const names = found.filter((name) => walFileKind(parseEncodedName(name).name) !== null);
    const entries = names.map(async (name): Promise<readonly [string, Known]> => {
      const path = join(folder, name);
      const { ino, size, mtimeNs } = await stat(path, { bigint: true });
      const stamp = `${ino} ${size} ${mtimeNs}`;
      const known = before.get(name);
      if (known?.stamp === stamp) return [name, known];
      const digest = createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
      return [name, { stamp, digest }];
    });
    return new Map(await Promise.all(entries));
  }
}

const digests = (known: ReadonlyMap<string, Known>): Archived =>
  new Map([...known].map(([name, { digest }]) => [name, digest]));
