import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Compression } from '../codec/compression.ts';
import { CRC_START, crcHex, updateCrc } from './crc32c.ts';
import type { BadPage } from './errors.ts';
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
}

/** A file as it is when its reading begins. That many bytes come of it, whatever becomes of it meanwhile. */
export interface FileFacts {
  readonly size: number;
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

/**
 * A file that is being read, synchronously: for a worker thread. What Postgres cuts off while it is read comes as
 * zeros, and what it adds is left out: WAL restores both (basebackup.c, sendFile).
 */
export class FileReading {
  readonly facts: FileFacts;
  readonly #request: ReadRequest;
  readonly #descriptor: number;
  #offset = 0;
  #crc = CRC_START;
  #bad: BadPage[] = [];
  #badPages = 0;
  #missing = 0;

  private constructor(request: ReadRequest, descriptor: number) {
    this.#request = request;
    this.#descriptor = descriptor;
    const { size, mode, mtimeMs } = fstatSync(descriptor);
    this.facts = { size, mode: mode & 0o7777, modifiedAt: mtimeMs };
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
    const left = this.facts.size - this.#offset;
    if (left <= 0) return null;
    const piece = room.subarray(0, Math.min(PIECE_BYTES, left));
    const filled = this.#fill(piece, this.#offset);
    piece.fill(0, filled);
    if (this.#request.check !== null) this.#verify(piece.subarray(0, filled), this.#request.check);
    this.#missing += piece.length - filled;
    this.#crc = updateCrc(this.#crc, piece);
    this.#offset += piece.length;
    return piece;
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

  #verify(piece: Uint8Array, check: PageCheck): void {
    const bad = verifyPages(this.#request.name, piece, this.#offset, check, (bytes, at) => {
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
