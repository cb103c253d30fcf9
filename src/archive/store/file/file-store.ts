import { access, constants, type FileHandle, type link, open, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ObjectDamagedError, ObjectMissingError } from '../../errors.ts';
import { checkKey } from '../key.ts';
import type {
  ByteRange,
  Content,
  Creation,
  ListOptions,
  ObjectHead,
  ObjectInfo,
  ObjectStore,
  OpenedObject,
  WriteOptions,
} from '../ports.ts';
import { Disk } from './disk.ts';
import { absentIsNull, fileFault, isAbsent } from './faults.ts';
import { MetadataFiles } from './metadata.ts';
import { Root } from './root.ts';
import { entriesOf, walk } from './walk.ts';
import { FileWriter } from './writer.ts';

const READ_SIZE = 256 * 1024;

export interface FileStoreOptions {
  /** Milliseconds after which a call of the file system counts as hanging. */
  readonly hangsAfter?: number;
  /** Of a file system that has no hard links. */
  readonly link?: typeof link;
}

type Options = { readonly signal: AbortSignal };

/**
 * A directory as a store, e.g. of a mounted volume: an object is a file. Each is written aside, synced and linked into
 * place, so that it is there whole or not at all, and creating is one step. The directory must exist: one that is not
 * mounted must not be taken for an empty one.
 */
export class FileStore implements ObjectStore {
  readonly name: string;
  readonly #root: Root;
  readonly #disk: Disk;
  readonly #writer: FileWriter;
  readonly #metadata: MetadataFiles;

  constructor(directory: string, { hangsAfter, link }: FileStoreOptions = {}) {
    this.name = `file://${directory}`;
    this.#disk = new Disk(this.name, hangsAfter);
    this.#root = new Root(directory, this.name, this.#disk);
    this.#metadata = new MetadataFiles(directory);
    const parts = { store: this.name, root: this.#root, disk: this.#disk };
    this.#writer = new FileWriter(link === undefined ? parts : { ...parts, link });
  }

  get creation(): Creation {
    return this.#writer.creation;
  }

  create(key: string, content: Content, options: WriteOptions): Promise<'created' | 'exists'> {
    return this.#attempt(async () => {
      if ((await this.#stat(key, options)) !== null) return 'exists';
      const temporary = await this.#writer.writeAside(content, options.signal);
      try {
        if (!(await this.#writer.create(temporary, this.#path(key), options.signal))) return 'exists';
      } finally {
        await this.#writer.discard(temporary);
      }
      await this.#disk.call(() => this.#metadata.write(key, options.metadata ?? {}), options.signal);
      return 'created';
    });
  }

  put(key: string, content: Content, options: WriteOptions): Promise<void> {
    return this.#attempt(async () => {
      const temporary = await this.#writer.writeAside(content, options.signal);
      try {
        // What is said of the old bytes must not be taken for the new ones'.
        await this.#disk.call(() => this.#metadata.remove(key), options.signal);
        await this.#writer.replace(temporary, this.#path(key), options.signal);
      } finally {
        await this.#writer.discard(temporary);
      }
      await this.#disk.call(() => this.#metadata.write(key, options.metadata ?? {}), options.signal);
    });
  }

  get(
    key: string,
    { range, signal }: { readonly range?: ByteRange; readonly signal: AbortSignal },
  ): Promise<OpenedObject> {
    return this.#attempt(async () => {
      const head = await this.#stat(key, { signal });
      if (head === null) throw new ObjectMissingError(this.name, key);
      return { head, body: this.#read(key, head.size, range ?? { start: 0 }, signal) };
    });
  }

  head(key: string, options: Options): Promise<ObjectHead | null> {
    return this.#attempt(() => this.#stat(key, options));
  }

  firstOf(keys: readonly string[], { signal }: Options): Promise<string | null> {
    return this.#attempt(async () => {
      for (const key of keys) {
        const path = this.#path(key);
        const found = await this.#disk.call(() => stat(path).catch(absentIsNull), signal);
        if (found?.isFile() === true) return key;
      }
      await this.#root.require(signal);
      return null;
    });
  }

  async *list(prefix: string, options: ListOptions): AsyncGenerator<ObjectInfo> {
    try {
      await this.#root.require(options.signal);
      for await (const key of walk(this.#look(options), prefix, options.startAfter ?? '')) {
        const found = await this.#disk.call(
          () => stat(join(this.#root.path, key)).catch(absentIsNull),
          options.signal,
        );
        if (found !== null) yield { key, size: found.size, modifiedAt: found.mtime };
      }
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }

  async *folders(prefix: string, options: ListOptions): AsyncGenerator<string> {
    try {
      await this.#root.require(options.signal);
      const look = this.#look(options);
      for (const { name, isDirectory } of await look(prefix, () => true)) {
        if (!isDirectory || prefix + name <= (options.startAfter ?? '')) continue;
        // S3 knows no empty folder.
        const keys = walk(look, prefix + name, '');
        const first = await keys.next();
        await keys.return(undefined);
        if (first.done !== true) yield name.slice(0, -1);
      }
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }

  deleteMany(keys: readonly string[], { signal }: Options): Promise<void> {
    return this.#attempt(async () => {
      const folders = new Set<string>();
      for (const key of keys) {
        const path = this.#path(key);
        await this.#disk.call(() => unlink(path).catch(absentIsNull), signal);
        await this.#disk.call(() => this.#metadata.remove(key), signal);
        folders.add(dirname(path));
      }
      for (const folder of folders) await this.#removeEmpty(folder, signal);
    });
  }

  check({ signal }: Options): Promise<void> {
    return this.#attempt(async () => {
      await this.#root.require(signal);
      await this.#disk.call(() => access(this.#root.path, constants.R_OK | constants.X_OK), signal);
    });
  }

  prepareToWrite({ signal }: Options): Promise<void> {
    return this.#attempt(async () => {
      await this.#root.require(signal);
      await this.#disk.call(() => access(this.#root.path, constants.W_OK), signal);
      await this.#writer.prepare(signal);
    });
  }

  close(): void {}

  async *#read(key: string, size: number, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const end = Math.min(range.end ?? size, size);
    let file: FileHandle | null = null;
    try {
      const opened = await this.#disk.call(
        () => open(this.#path(key), 'r'),
        signal,
        (late) => void late.close().catch(() => undefined),
      );
      file = opened;
      for (let position = range.start; position < end; ) {
        const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, end - position));
        const read = () => opened.read(buffer, 0, buffer.length, position);
        const { bytesRead } = await this.#disk.call(read, signal);
        if (bytesRead === 0)
          throw new ObjectDamagedError(this.name, key, `it ended after ${position} of ${end} bytes`);
        yield buffer.subarray(0, bytesRead);
        position += bytesRead;
      }
    } catch (error) {
      if (isAbsent(error)) throw new ObjectMissingError(this.name, key, error);
      throw fileFault(this.name, error);
    } finally {
      // Not waited for: it may hang.
      file?.close().catch(() => undefined);
    }
  }

  async #stat(key: string, { signal }: Options): Promise<ObjectHead | null> {
    const found = await this.#disk.call(() => stat(this.#path(key)).catch(absentIsNull), signal);
    if (found === null) {
      await this.#root.require(signal);
      return null;
    }
    if (!found.isFile()) return null;
    const metadata = await this.#disk.call(() => this.#metadata.read(key), signal);
    return { key, size: found.size, modifiedAt: found.mtime, metadata };
  }

  /** Up to the root; not the root itself. A folder that is not empty, or that somebody needs again, stays. */
  async #removeEmpty(folder: string, signal: AbortSignal): Promise<void> {
    for (let path = folder; path.length > this.#root.path.length; path = dirname(path)) {
      const removed = await this.#disk.call(
        () =>
          rmdir(path).then(
            () => true,
            () => false,
          ),
        signal,
      );
      if (!removed) return;
    }
  }

  #look({ signal }: Options): Parameters<typeof walk>[0] {
    return (folder, wanted) =>
      this.#disk.call(() => entriesOf(join(this.#root.path, folder), wanted), signal);
  }

  #path(key: string): string {
    return join(this.#root.path, checkKey(key));
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileFault(this.name, error);
    }
  }
}
