import { hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Compression, decompressBytesSync } from '../codec/compression.ts';
import { release } from '../store/content.ts';
import type { Room } from './rooms.ts';
import type { Unpacked } from './segment-worker.ts';

/** The file system failed; not what was to be unpacked. */
export class FileWorkError extends Error {
  readonly code: string | undefined;

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause });
    this.code = cause.code;
  }
}

/**
 * Writes what the first bytes of a room are compressed from to a file, synchronously: for a thread of its own.
 *
 * @throws FileWorkError; what zlib says of bytes that are damaged
 */
export function unpackFromRoom({
  path,
  compression,
  room,
  length,
  expected,
  hashed,
}: {
  readonly path: string;
  readonly compression: Compression;
  readonly room: Room;
  readonly length: number;
  readonly expected: number;
  readonly hashed: boolean;
}): Unpacked {
  const stored = room.subarray(0, length);
  const bytes = decompressBytesSync(compression, stored, expected);
  const size = bytes.length;
  try {
    writeWhole(path, bytes);
  } catch (error) {
    throw new FileWorkError(error as NodeJS.ErrnoException);
  }
  const sha256 = hashed ? hash('sha256', bytes) : null;
  // Now, not at the next collection. The room itself stays.
  release(bytes);
  return { size, sha256 };
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w', 0o600);
  try {
    for (let written = 0; written < bytes.length; )
      written += writeSync(file, bytes, written, bytes.length - written);
  } finally {
    closeSync(file);
  }
}
