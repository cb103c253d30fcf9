import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Compression, compressBytesSync } from '../codec/compression.ts';
import { copyInto, release } from '../store/content.ts';
import type { Room } from './rooms.ts';

/** A file that was read: its hash, and how much of the room it takes, compressed. */
export interface PreparedInRoom {
  /** Of the original bytes, in hex. */
  readonly sha256: string;
  readonly length: number;
}

/** Read into again and again: a fresh one for each segment would be cleared, and wait for a collection. */
let original = Buffer.allocUnsafeSlow(0);

/**
 * Reads, hashes and compresses a file, synchronously: for a thread of its own.
 *
 * @throws what the file system says; RangeError where the room is too small
 */
export function prepareInRoom({
  path,
  compression,
  room,
}: {
  readonly path: string;
  readonly compression: Compression;
  readonly room: Room;
}): PreparedInRoom {
  // What is not compressed is read to where it is to be.
  const bytes = readWhole(path, compression === 'none' ? room : null);
  const sha256 = hash('sha256', bytes);
  if (compression === 'none') return { sha256, length: bytes.length };
  const compressed = compressBytesSync(compression, bytes);
  copyInto(room, compressed);
  const { length } = compressed;
  // Now, not at the next collection.
  release(compressed);
  return { sha256, length };
}

function readWhole(path: string, room: Room | null): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (room === null && original.length < size) original = Buffer.allocUnsafeSlow(size);
    const whole = (room ?? original).subarray(0, size);
    if (whole.length < size) throw new RangeError(`${path} has grown to ${size} bytes`);
    let filled = 0;
    while (filled < size) {
      const got = readSync(file, whole, filled, size - filled, filled);
      if (got === 0) break;
      filled += got;
    }
    return whole.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}
