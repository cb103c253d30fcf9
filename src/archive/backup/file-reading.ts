import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Compression } from '../codec/compression.ts';
import { CRC_START, crcHex, updateCrc } from './crc32c.ts';
import type { BadPage } from './errors.ts';
import {
  type FileChanges,
  type Increment,
  incrementHeader,
  planIncrement,
  type RelationFormat,
} from './incremental-file.ts';
import { type PageCheck, verifyPages } from './verify-pages.ts';

/** A file to read for a backup. */
export interface ReadRequest {
  /** Where it is. */
  readonly path: string;
  /** Below PGDATA. */
  readonly name: string;
  /** Null: it has no pages with checksums, or they are not to be checked. */
  readonly check: PageCheck | null;
  /** How its larger pieces are to be compressed. */
  readonly compression: Compression;
  /** What changed of it since the parent backup (null: nothing is known to have); absent: all of it is read. */
  readonly since?: { readonly changes: FileChanges | null; readonly format: RelationFormat };
}

/** A file as it is when its reading begins. That many bytes come of it, whatever becomes of it meanwhile. */
export interface FileFacts {
  /** Of what is read of it. */
  readonly size: number;
  /** Only what changed is read, in the format of `pg_combinebackup`. */
  readonly isIncrement: boolean;
  readonly mode: number;
  /** Unix time in milliseconds. */
  readonly modifiedAt: number;
}

/** What was seen of a file that was read to its end. */
export interface ReadResult {
  /** CRC-32C of what was given out, in hex. */
  readonly checksum: string;
  readonly bad: readonly BadPage[];
  readonly badPages: number;
  /** Bytes that were gone and came as zeros. */
  readonly missing: number;
}

/** What a file gives at once: a multiple of every page size, and small enough to stay in a processor's cache. */
export const PIECE_BYTES = 512 * 1024;
/** Read into again and again: a thread reads one file at a time. */
const room = new Uint8Array(PIECE_BYTES);
/** Pages that are named; the others are counted. */
const NAMED_MAX = 5;

/** What is given out next: `bytes`, to be filled with stretches of the file one after the other; none: they are filled. */
interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly stretches: readonly { readonly offset: number; readonly length: number }[];
}

function* pieces(size: number): Generator<Piece> {
  for (let offset = 0; offset < size; offset += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, size - offset);
    yield { bytes: room.subarray(0, length), stretches: [{ offset, length }] };
  }
}

function* incrementPieces(
  header: Uint8Array<ArrayBuffer>,
  { blocks }: Increment,
  pageBytes: number,
): Generator<Piece> {
  for (let offset = 0; offset < header.length; offset += PIECE_BYTES)
    yield { bytes: header.subarray(offset, offset + PIECE_BYTES), stretches: [] };
  const most = PIECE_BYTES / pageBytes;
  for (let first = 0; first < blocks.length; first += most) {
    const stretches: { offset: number; length: number }[] = [];
    for (const block of blocks.subarray(first, first + most)) {
      const offset = block * pageBytes;
      const last = stretches.at(-1);
      if (last !== undefined && last.offset + last.length === offset) last.length += pageBytes;
      else stretches.push({ offset, length: pageBytes });
    }
    const length = stretches.reduce((sum, stretch) => sum + stretch.length, 0);
    yield { bytes: room.subarray(0, length), stretches };
  }
}

/**
 * A file that is being read, synchronously: for a worker thread. What Postgres cuts off while it is read comes as
 * zeros, and what it adds is left out: WAL restores both (basebackup.c, sendFile).
 */
export class FileReading {
  readonly facts: FileFacts;
  readonly #request: ReadRequest;
  readonly #descriptor: number;
  readonly #pieces: Iterator<Piece>;
  #crc = CRC_START;
  #bad: BadPage[] = [];
  #badPages = 0;
  #missing = 0;

  private constructor(request: ReadRequest, descriptor: number) {
    this.#request = request;
    this.#descriptor = descriptor;
    const { size, mode, mtimeMs } = fstatSync(descriptor);
    const { since } = request;
    const increment = since === undefined ? null : planIncrement(size, since.changes, since.format);
    const pageBytes = since?.format.pageBytes ?? 0;
    const header = increment === null ? null : incrementHeader(increment, pageBytes);
    this.facts = {
      size: increment === null ? size : (header?.length ?? 0) + increment.blocks.length * pageBytes,
      isIncrement: increment !== null,
      mode: mode & 0o7777,
      modifiedAt: mtimeMs,
    };
    this.#pieces =
      increment === null || header === null ? pieces(size) : incrementPieces(header, increment, pageBytes);
  }

  /** Null: there is no such file any more. */
  static open(request: ReadRequest): FileReading | null {
    let descriptor: number;
    try {
      descriptor = openSync(request.path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      return new FileReading(request, descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** The next piece, which lasts until the one after it is read; null: that was all. */
  next(): Uint8Array<ArrayBuffer> | null {
    const next = this.#pieces.next();
    if (next.done === true) return null;
    const { bytes, stretches } = next.value;
    let at = 0;
    for (const { offset, length } of stretches) {
      this.#read(bytes.subarray(at, at + length), offset);
      at += length;
    }
    this.#crc = updateCrc(this.#crc, bytes);
    return bytes;
  }

  result(): ReadResult {
    return {
      checksum: crcHex(this.#crc),
      bad: this.#bad,
      badPages: this.#badPages,
      missing: this.#missing,
    };
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #read(stretch: Uint8Array, offset: number): void {
    const filled = this.#fill(stretch, offset);
    stretch.fill(0, filled);
    this.#missing += stretch.length - filled;
    const { check } = this.#request;
    if (check !== null) this.#verify(stretch.subarray(0, filled), offset, check);
  }

  #verify(stretch: Uint8Array, offset: number, check: PageCheck): void {
    const bad = verifyPages(this.#request.name, stretch, offset, check, (bytes, at) => {
      return this.#fill(bytes, at) === bytes.length;
    });
    this.#badPages += bad.length;
    this.#bad = [...this.#bad, ...bad].slice(0, NAMED_MAX);
  }

  /** How many bytes there were. */
  #fill(bytes: Uint8Array, at: number): number {
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(this.#descriptor, bytes, filled, bytes.length - filled, at + filled);
      if (read === 0) break;
      filled += read;
    }
    return filled;
  }
}
