import { randomUUID } from 'node:crypto';
import {
  access,
  constants,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncPath } from '../../../postgres/volume/durable.ts';
import { ObjectDamagedError, ObjectMissingError, StoreMissingError } from '../../errors.ts';
import { piecesOf } from '../content.ts';
import { checkKey } from '../key.ts';
import type {
  ByteRange,
  Content,
  ListOptions,
  ObjectHead,
  ObjectInfo,
  ObjectStore,
  OpenedObject,
  WriteOptions,
} from '../ports.ts';
import { fileFault, isAbsent } from './faults.ts';
import { MetadataFiles } from './metadata.ts';
import { entriesOf, walk } from './walk.ts';

/** Objects in the making. */
const INCOMING = '.incoming';
/** One that old was left by a writer that died. */
const ABANDONED = 24 * 3_600_000;
const READ_SIZE = 256 * 1024;
/** A folder that another member just emptied and removed is made again. */
const TRIES = 5;

/**
 * A directory as a store, e.g. of a mounted volume: an object is a file. Each is written aside, synced and linked into
 * place, so that it is there whole or not at all, and creating is one step. The directory must exist: one that is not
 * mounted must not be taken for an empty one.
 */
export class FileStore implements ObjectStore {
  readonly name: string;
  readonly creation = 'atomic';
  readonly #root: string;
  readonly #metadata: MetadataFiles;

  constructor(directory: string) {
    this.#root = directory;
    this.name = `file://${directory}`;
    this.#metadata = new MetadataFiles(directory);
  }

  create(key: string, content: Content, options: WriteOptions): Promise<'created' | 'exists'> {
    return this.#attempt(async () => {
      if ((await this.#stat(key)) !== null) return 'exists';
      const temporary = await this.#writeAside(content, options.signal);
      try {
        await this.#intoPlace(key, (path) => link(temporary, path));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
      await this.#metadata.write(key, options.metadata ?? {});
      return 'created';
    });
  }

  put(key: string, content: Content, options: WriteOptions): Promise<void> {
    return this.#attempt(async () => {
      const temporary = await this.#writeAside(content, options.signal);
      try {
        // What is said of the old bytes must not be taken for the new ones'.
        await this.#metadata.remove(key);
        await this.#intoPlace(key, (path) => rename(temporary, path));
      } finally {
        await rm(temporary, { force: true });
      }
      await this.#metadata.write(key, options.metadata ?? {});
    });
  }

  get(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject> {
    return this.#attempt(async () => {
      signal.throwIfAborted();
      const head = await this.#stat(key);
      if (head === null) throw new ObjectMissingError(this.name, key);
      return { head, body: this.#read(key, head.size, range ?? { start: 0 }, signal) };
    });
  }

  head(key: string): Promise<ObjectHead | null> {
    return this.#attempt(() => this.#stat(key));
  }

  async *list(prefix: string, options: ListOptions): AsyncGenerator<ObjectInfo> {
    try {
      await this.#requireRoot();
      for await (const key of walk(this.#root, prefix, options.startAfter ?? '')) {
        options.signal.throwIfAborted();
        const found = await stat(join(this.#root, key)).catch(absentIsNull);
        if (found !== null) yield { key, size: found.size, modifiedAt: found.mtime };
      }
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }

  async *folders(prefix: string, options: ListOptions): AsyncGenerator<string> {
    try {
      await this.#requireRoot();
      const entries = await entriesOf(join(this.#root, prefix));
      for (const { name, isDirectory } of entries) {
        options.signal.throwIfAborted();
        if (!isDirectory || prefix + name <= (options.startAfter ?? '')) continue;
        // S3 knows no empty folder.
        const keys = walk(this.#root, prefix + name, '');
        const first = await keys.next();
        await keys.return(undefined);
        if (first.done !== true) yield name.slice(0, -1);
      }
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }

  deleteMany(keys: readonly string[], { signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#attempt(async () => {
      const folders = new Set<string>();
      for (const key of keys) {
        signal.throwIfAborted();
        const path = this.#path(key);
        await unlink(path).catch(absentIsNull);
        await this.#metadata.remove(key);
        folders.add(dirname(path));
      }
      for (const folder of folders) await this.#removeEmpty(folder);
    });
  }

  check(): Promise<void> {
    return this.#attempt(async () => {
      await this.#requireRoot();
      await access(this.#root, constants.R_OK | constants.X_OK);
    });
  }

  prepareToWrite({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    return this.#attempt(async () => {
      await this.#requireRoot();
      await access(this.#root, constants.W_OK);
      await this.#removeAbandoned(signal);
    });
  }

  close(): void {}

  async *#read(key: string, size: number, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const end = Math.min(range.end ?? size, size);
    try {
      const file = await open(this.#path(key), 'r');
      try {
        for (let position = range.start; position < end; ) {
          signal.throwIfAborted();
          const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, end - position));
          const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
          if (bytesRead === 0)
            throw new ObjectDamagedError(this.name, key, `it ended after ${position} of ${end} bytes`);
          yield buffer.subarray(0, bytesRead);
          position += bytesRead;
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) throw new ObjectMissingError(this.name, key, error);
      throw fileFault(this.name, error);
    }
  }

  async #writeAside(content: Content, signal: AbortSignal): Promise<string> {
    await this.#requireRoot();
    const folder = join(this.#root, INCOMING);
    await mkdir(folder, { recursive: true });
    const path = join(folder, randomUUID());
    try {
      const file = await open(path, 'wx', 0o640);
      try {
        for await (const piece of piecesOf(content)) {
          signal.throwIfAborted();
          await file.writeFile(piece);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Makes the folders of a key and moves the file there, durably. */
  async #intoPlace(key: string, move: (path: string) => Promise<void>): Promise<void> {
    const path = this.#path(key);
    for (let tries = 1; ; tries++) {
      try {
        const made = await mkdir(dirname(path), { recursive: true });
        await move(path);
        await syncPath(dirname(path));
        if (made !== undefined) await syncPath(dirname(made));
        return;
      } catch (error) {
        if (!isAbsent(error) || tries === TRIES) throw error;
      }
    }
  }

  async #stat(key: string): Promise<ObjectHead | null> {
    const found = await stat(this.#path(key)).catch(absentIsNull);
    if (found === null) {
      await this.#requireRoot();
      return null;
    }
    if (!found.isFile()) return null;
    const metadata = await this.#metadata.read(key);
    return { key, size: found.size, modifiedAt: found.mtime, metadata };
  }

  async #requireRoot(): Promise<void> {
    const found = await stat(this.#root).catch(absentIsNull);
    if (found === null) throw new StoreMissingError(this.name, 'there is no such directory');
    if (!found.isDirectory()) throw new StoreMissingError(this.name, 'it is not a directory');
  }

  /** Up to the root; not the root itself. A folder that is not empty, or that somebody needs again, stays. */
  async #removeEmpty(folder: string): Promise<void> {
    for (let path = folder; path.length > this.#root.length; path = dirname(path)) {
      const removed = await rmdir(path).then(
        () => true,
        () => false,
      );
      if (!removed) return;
    }
  }

  async #removeAbandoned(signal: AbortSignal): Promise<void> {
    const folder = join(this.#root, INCOMING);
    const names = (await readdir(folder).catch(absentIsNull)) ?? [];
    for (const name of names) {
      signal.throwIfAborted();
      const found = await stat(join(folder, name)).catch(absentIsNull);
      if (found !== null && Date.now() - found.mtimeMs > ABANDONED)
        await rm(join(folder, name), { force: true });
    }
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }
}

function absentIsNull(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}
