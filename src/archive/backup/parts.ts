import { join } from 'node:path';
import type { WalArchive } from '../wal/push-file.ts';
import { PageChecksumError } from './errors.ts';
import { pagesOf } from './exclusions.ts';
import { type FileChanges, incrementPath, type RelationFormat } from './incremental-file.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import { partName } from './names.ts';
import type { RateLimit } from './rate-limit.ts';
import { type FilePiece, Reader } from './reader.ts';
import type { TarWriter } from './tar.ts';
import { type StoredTar, uploadTar } from './upload.ts';
import type { Entry } from './walk.ts';

/** How the pages of the cluster are made; null: without checksums, or they are not to be checked. */
export interface PageFormat {
  readonly pageBytes: number;
  /** Pages of a file of a relation: the next one goes on in another file. */
  readonly segmentPages: number;
  /** Pages changed since here are not checked: a byte position. */
  readonly startLsn: number;
}

/** Of a backup of what changed. */
export interface Since {
  readonly format: RelationFormat;
  /** Of a file, by its path; null: nothing is known to have; `whole`: it is stored whole. */
  of(path: string): FileChanges | 'whole' | null;
}

export interface PartsOptions {
  readonly archive: WalArchive;
  /** Of the backup. */
  readonly name: string;
  readonly data: string;
  /** At most so many parts at once, each with a thread that reads. */
  readonly parallel: number;
  readonly pages: PageFormat | null;
  /** What changed of each file since the parent backup; null: every file is stored whole. */
  readonly since: Since | null;
  readonly rate: RateLimit | null;
  readonly manifest: Manifest;
  /** So many bytes were read since it was called last. */
  onRead(bytes: number): void;
  /** A part is in the archive, and so many bytes in all. */
  onStored(bytes: number): void;
}

/** WAL-G's own (WALG_TAR_SIZE_THRESHOLD): a part is closed when it has come to so many bytes. */
const PART_BYTES = 1024 ** 3 - 1;

/**
 * Writes files into parts, several at once, each taking the next file from `entries` as it has room.
 *
 * @throws BackupError, ArchiveError
 */
export async function writeParts(
  options: PartsOptions,
  entries: AsyncGenerator<Entry>,
  signal: AbortSignal,
): Promise<StoredTar[]> {
  const failed = new AbortController();
  const bound = AbortSignal.any([signal, failed.signal]);
  const stored: StoredTar[] = [];
  let parts = 0;
  let failure: { readonly error: unknown } | null = null;
  const run = async (): Promise<void> => {
    const reader = Reader.start();
    try {
      for (let first = await entries.next(); first.done !== true; first = await entries.next()) {
        bound.throwIfAborted();
        parts += 1;
        const part = new Part(options, reader, entries, first.value);
        const tar = await uploadTar(
          options.archive,
          partName(options.name, parts),
          (to) => part.fill(to, bound),
          bound,
        );
        for (const file of part.files) options.manifest.addFile(file);
        stored.push(tar);
        options.onStored(tar.storedBytes);
      }
    } catch (error) {
      // The others are told to end; what they then throw is a consequence.
      failure ??= { error };
      failed.abort();
    } finally {
      await reader.end();
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, run));
  await entries.return(undefined);
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return stored.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** One part: the entries that went into it, so that it can be made again. */
class Part {
  readonly #options: PartsOptions;
  readonly #reader: Reader;
  readonly #entries: AsyncGenerator<Entry>;
  readonly #taken: Entry[];
  #isWhole = false;
  files: ManifestFile[] = [];

  constructor(options: PartsOptions, reader: Reader, entries: AsyncGenerator<Entry>, first: Entry) {
    this.#options = options;
    this.#reader = reader;
    this.#entries = entries;
    this.#taken = [first];
  }

  async fill(tar: TarWriter, signal: AbortSignal): Promise<void> {
    this.files = [];
    let bytes = 0;
    for (let index = 0; ; index++) {
      signal.throwIfAborted();
      const entry = this.#taken[index] ?? (bytes < PART_BYTES ? await this.#take() : null);
      if (entry === null) break;
      bytes += await this.#write(tar, entry, signal);
    }
    this.#isWhole = true;
  }

  /** A part that is made again takes nothing more. */
  async #take(): Promise<Entry | null> {
    if (this.#isWhole) return null;
    const next = await this.#entries.next();
    if (next.done === true) return null;
    this.#taken.push(next.value);
    return next.value;
  }

  async #write(tar: TarWriter, entry: Entry, signal: AbortSignal): Promise<number> {
    if (entry.kind === 'directory') {
      await tar.directory(entry);
      return 0;
    }
    const { data, pages, since } = this.#options;
    const { path } = entry;
    const changes = since === null ? 'whole' : since.of(path);
    const relation = pages === null ? null : pagesOf(path);
    const check =
      pages === null || relation === null
        ? null
        : {
            pageBytes: pages.pageBytes,
            firstBlock: relation.segment * pages.segmentPages,
            startLsn: pages.startLsn,
          };
    const { compression } = this.#options.archive.codec;
    const opened = await this.#reader.open({
      path: join(data, path),
      name: path,
      check,
      compression,
      ...(since === null || changes === 'whole' ? {} : { since: { changes, format: since.format } }),
    });
    if (opened === null) return 0;
    const { size, mode, isIncrement } = opened.facts;
    const modifiedAt = new Date(opened.facts.modifiedAt);
    const stored = isIncrement ? incrementPath(path) : path;
    await tar.file({ path: stored, size, mode, modifiedAt }, this.#throttled(opened.pieces(), tar, signal));
    const { checksum, bad, badPages } = opened.result();
    if (badPages > 0) throw new PageChecksumError(bad, badPages);
    this.files.push({ path: stored, size, modifiedAt, checksum });
    return size;
  }

  async *#throttled(
    pieces: AsyncIterable<FilePiece>,
    tar: TarWriter,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const { rate, onRead } = this.#options;
    for await (const { bytes, packedFrom } of pieces) {
      signal.throwIfAborted();
      const length = packedFrom ?? bytes.length;
      await rate?.pass(length, signal);
      onRead(length);
      yield packedFrom === null ? bytes : tar.packed(packedFrom, bytes);
    }
  }
}
