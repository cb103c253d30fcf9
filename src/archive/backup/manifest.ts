import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import type { Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';

/** A file of the backup. */
export interface ManifestFile {
  /** Below PGDATA. */
  readonly path: string;
  readonly size: number;
  readonly modifiedAt: Date;
  /** CRC-32C in hex, as `crcHex` gives it. */
  readonly checksum: string;
}

/** WAL that a restore needs, of one timeline. */
export interface WalRange {
  readonly timeline: TimelineId;
  readonly start: Lsn;
  readonly end: Lsn;
}

/** Held compressed in pieces of about so many characters: a million files take some 30 MB of memory. */
const PIECE = 1024 * 1024;

/**
 * PostgreSQL's `backup_manifest` (documentation, "Backup Manifest Format"): `pg_verifybackup` checks a restore by it.
 * The lines are kept compressed until all of them are there, since a tar tells the size first.
 */
export class Manifest {
  readonly #hash = createHash('sha256');
  readonly #pieces: Buffer[] = [];
  #open = '';
  #bytes = 0;
  #files = 0;
  #finished = false;

  /** `systemIdentifier`: of the cluster, as decimal text: part of the format since Postgres 17. */
  constructor(major: number, systemIdentifier: string) {
    const version = major >= 17 ? 2 : 1;
    this.#add(`{ "PostgreSQL-Backup-Manifest-Version": ${version},\n`);
    if (version === 2) this.#add(`"System-Identifier": ${systemIdentifier},\n`);
    this.#add('"Files": [');
  }

  get files(): number {
    return this.#files;
  }

  addFile({ path, size, modifiedAt, checksum }: ManifestFile): void {
    this.#add(
      `${this.#files === 0 ? '\n' : ',\n'}{ ${pathField(path)}, "Size": ${size}, "Last-Modified": "${gmt(modifiedAt)}", "Checksum-Algorithm": "CRC32C", "Checksum": "${checksum}" }`,
    );
    this.#files += 1;
  }

  /** Ends it. `bytes` and `pieces` tell what it is then. */
  finish(ranges: readonly WalRange[]): void {
    const wal = ranges.map(
      ({ timeline, start, end }) =>
        `{ "Timeline": ${timeline}, "Start-LSN": "${start}", "End-LSN": "${end}" }`,
    );
    this.#add(`\n],\n"WAL-Ranges": [\n${wal.join(',\n')}\n],\n`);
    this.#add(`"Manifest-Checksum": "${this.#hash.digest('hex')}"}\n`, false);
    this.#close();
    this.#finished = true;
  }

  get bytes(): number {
    return this.#bytes;
  }

  *pieces(): Generator<Buffer> {
    if (!this.#finished) throw new TypeError('a manifest is read before it is finished');
    for (const piece of this.#pieces) yield zlib.zstdDecompressSync(piece);
  }

  #add(text: string, hashed = true): void {
    if (hashed) this.#hash.update(text);
    this.#bytes += Buffer.byteLength(text);
    this.#open += text;
    if (this.#open.length >= PIECE) this.#close();
  }

  #close(): void {
    if (this.#open === '') return;
    this.#pieces.push(zlib.zstdCompressSync(this.#open));
    this.#open = '';
  }
}

/** Postgres itself names its files in ASCII. */
function pathField(path: string): string {
  return `"Path": ${JSON.stringify(path)}`;
}

/** `2026-11-21 09:25:10 GMT`. */
function gmt(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} GMT`;
}
