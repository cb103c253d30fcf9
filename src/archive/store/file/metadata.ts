import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Metadata } from '../ports.ts';
import { isAbsent } from './faults.ts';

/** Beside the tree of objects, so that other programs that list it see nothing strange. */
const FOLDER = '.metadata';

/**
 * The metadata of a directory's objects: a JSON file each. It is written after its object is there, by whoever made
 * it; where it is missing, the writer died in between, and readers look at the object itself.
 */
export class MetadataFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = join(root, FOLDER);
  }

  async write(key: string, metadata: Metadata): Promise<void> {
    if (Object.keys(metadata).length === 0) return;
    const path = this.#path(key);
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
    await writeFile(temporary, JSON.stringify(metadata));
    await rename(temporary, path);
  }

  async read(key: string): Promise<Metadata> {
    try {
      const parsed: unknown = JSON.parse(await readFile(this.#path(key), 'utf8'));
      return isMetadata(parsed) ? parsed : {};
    } catch (error) {
      // Cut short by a crash of the machine counts as missing.
      if (isAbsent(error) || error instanceof SyntaxError) return {};
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path(key: string): string {
    return join(this.#root, `${key}.json`);
  }
}

function isMetadata(value: unknown): value is Metadata {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((entry) => typeof entry === 'string')
  );
}
