import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../../../postgres/errors.ts';
import { syncPath } from '../../../postgres/volume/durable.ts';
import { StoreUnreachableError } from '../../errors.ts';
import { piecesOf } from '../content.ts';
import type { Content, Creation } from '../ports.ts';
import type { Disk } from './disk.ts';
import { absentIsNull, isAbsent } from './faults.ts';
import type { Root } from './root.ts';

/** Objects in the making. */
const INCOMING = '.incoming';
/** One that old was left by a writer that died. Milliseconds. */
const ABANDONED = 24 * 3_600_000;
/** A folder that another member just emptied and removed is made again. */
const TRIES = 5;
/** What `link` says where the file system has none (CIFS, many of FUSE, some exports of NFS). */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EACCES']);
/** A name that is kept by a lock: looked for so often, and taken from whom it has been with for so long. Milliseconds. */
const LOCK_LOOK = 50;
const LOCK_WITHIN = 20_000;
const LOCK_DEAD = 60_000;

export interface WriterOptions {
  readonly store: string;
  readonly root: Root;
  readonly disk: Disk;
  readonly link?: typeof link;
}

/** Writes files such that each is there whole or not at all, and durably when it is. */
export class FileWriter {
  readonly #options: WriterOptions;
  readonly #folder: string;
  readonly #link: typeof link;
  #links = true;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#folder = join(options.root.path, INCOMING);
    this.#link = options.link ?? link;
  }

  /** By a link, creating is one step; without links, by a lock that every writer of this kind asks for. */
  get creation(): Creation {
    return this.#links ? 'atomic' : 'looked-up';
  }

  /** Finds out by writing whether the file system has hard links; clears what writers that died have left. */
  async prepare(signal: AbortSignal): Promise<void> {
    const first = await this.writeAside(Buffer.from('x'), signal);
    const second = `${first}.link`;
    try {
      await this.#call(() => this.#link(first, second), signal);
      this.#links = true;
    } catch (error) {
      if (!NO_LINKS.has(errnoOf(error) ?? '')) throw error;
      this.#links = false;
    } finally {
      await this.discard(first);
      await this.discard(second);
    }
    await this.#removeAbandoned(signal);
  }

  /** @returns the path of a file with this content, synced */
  async writeAside(content: Content, signal: AbortSignal): Promise<string> {
    await this.#options.root.require(signal);
    const path = join(this.#folder, randomUUID());
    await this.#call(() => mkdir(this.#folder, { recursive: true }), signal);
    const file = await this.#options.disk.call(
      () => open(path, 'wx', 0o640),
      signal,
      (late) => void late.close().catch(() => undefined),
    );
    try {
      for await (const piece of piecesOf(content)) await this.#writeAll(file, piece, signal);
      await this.#call(() => file.sync(), signal);
      await this.#call(() => file.close(), signal);
      return path;
    } catch (error) {
      // Not waited for: it may hang, and closes once what hangs has ended.
      file.close().catch(() => undefined);
      await this.discard(path);
      throw error;
    }
  }

  /** Removes what `writeAside` made. What cannot be removed now is cleared a day later. */
  async discard(path: string): Promise<void> {
    await this.#options.disk.call(() => rm(path, { force: true })).catch(() => undefined);
  }

  /** @returns false where there is one at `path` already */
  async create(temporary: string, path: string, signal: AbortSignal): Promise<boolean> {
    if (!this.#links) return await this.#createLocked(temporary, path, signal);
    try {
      await this.#intoPlace(path, () => this.#link(temporary, path), signal);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** Over one that is there. */
  async replace(temporary: string, path: string, signal: AbortSignal): Promise<void> {
    await this.#intoPlace(path, () => rename(temporary, path), signal);
  }

  async #createLocked(temporary: string, path: string, signal: AbortSignal): Promise<boolean> {
    const lock = join(this.#folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.lock`);
    await this.#lock(lock, path, signal);
    try {
      const found = await this.#call(() => stat(path).catch(absentIsNull), signal);
      if (found !== null) return false;
      await this.replace(temporary, path, signal);
      return true;
    } finally {
      await this.discard(lock);
    }
  }

  async #lock(lock: string, path: string, signal: AbortSignal): Promise<void> {
    const until = performance.now() + LOCK_WITHIN;
    for (;;) {
      try {
        await this.#call(async () => await (await open(lock, 'wx')).close(), signal);
        return;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      const held = await this.#call(() => stat(lock).catch(absentIsNull), signal);
      if (held !== null && Date.now() - held.mtimeMs > LOCK_DEAD) await this.discard(lock);
      else if (performance.now() > until)
        throw new StoreUnreachableError(this.#options.store, `another writer keeps ${path} to itself`);
      else await sleep(LOCK_LOOK, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Makes the folders of a path and moves the file there, durably. */
  async #intoPlace(path: string, move: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const folder = dirname(path);
        const made = await this.#call(() => mkdir(folder, { recursive: true }), signal);
        await this.#call(move, signal);
        // Each new folder is an entry of the one above it.
        const top = made === undefined ? folder : dirname(made);
        for (let one = folder; one.length >= top.length; one = dirname(one))
          await this.#call(() => syncPath(one), signal);
        return;
      } catch (error) {
        if (!isAbsent(error) || tries === TRIES) throw error;
      }
    }
  }

  async #writeAll(file: FileHandle, piece: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let offset = 0; offset < piece.length; ) {
      const { bytesWritten } = await this.#call(() => file.write(piece, offset), signal);
      offset += bytesWritten;
    }
  }

  async #removeAbandoned(signal: AbortSignal): Promise<void> {
    const names = (await this.#call(() => readdir(this.#folder).catch(absentIsNull), signal)) ?? [];
    for (const name of names) {
      const path = join(this.#folder, name);
      const found = await this.#call(() => stat(path).catch(absentIsNull), signal);
      if (found !== null && Date.now() - found.mtimeMs > ABANDONED) await this.discard(path);
    }
  }

  #call<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#options.disk.call(work, signal);
  }
}
