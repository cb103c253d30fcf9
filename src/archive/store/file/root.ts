import { stat } from 'node:fs/promises';
import { StoreMissingError } from '../../errors.ts';
import type { Disk } from './disk.ts';
import { absentIsNull } from './faults.ts';

/**
 * The directory of a store. It must be there, and be the same one for as long as the store is open: where a volume was
 * unmounted, the empty directory below it must not be taken for the archive.
 */
export class Root {
  readonly path: string;
  readonly #store: string;
  readonly #disk: Disk;
  #seen: string | null = null;

  constructor(path: string, store: string, disk: Disk) {
    this.path = path;
    this.#store = store;
    this.#disk = disk;
  }

  /** @throws StoreMissingError */
  async require(signal?: AbortSignal): Promise<void> {
    const found = await this.#disk.call(() => stat(this.path, { bigint: true }).catch(absentIsNull), signal);
    if (found === null) throw new StoreMissingError(this.#store, 'there is no such directory');
    if (!found.isDirectory()) throw new StoreMissingError(this.#store, 'it is not a directory');
    const which = `${found.dev}:${found.ino}`;
    this.#seen ??= which;
    if (which !== this.#seen)
      throw new StoreMissingError(
        this.#store,
        'another directory has its place than when it was opened: a volume was mounted or unmounted',
      );
  }
}
