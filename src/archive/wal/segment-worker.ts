import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { type Compression, compressBytesSync } from '../codec/compression.ts';

/** What the agent's thread asks of this one: a file, and how it is to be compressed. */
export interface ToPreparer {
  readonly id: number;
  readonly path: string;
  readonly compression: Compression;
}

/** The answer. `bytes` is given away with it. */
export type FromPreparer =
  | { readonly id: number; readonly sha256: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly code: string | null; readonly message: string };

/** Read into again and again: a fresh one for each segment would be cleared, and wait for a collection. */
let room = Buffer.allocUnsafeSlow(0);

function readWhole(path: string): Buffer<ArrayBuffer> {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (room.length < size) room = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const got = readSync(file, room, filled, size - filled, filled);
      if (got === 0) break;
      filled += got;
    }
    return room.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}

function prepare({ id, path, compression }: ToPreparer): FromPreparer {
  const original = readWhole(path);
  const sha256 = hash('sha256', original);
  const compressed = compressBytesSync(compression, original);
  // What is not compressed is the room itself, which stays here.
  const bytes = compressed === original ? new Uint8Array(original) : compressed;
  return { id, sha256, bytes };
}

parentPort?.on('message', (asked: ToPreparer) => {
  let said: FromPreparer;
  try {
    said = prepare(asked);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    said = { id: asked.id, code: code ?? null, message };
  }
  parentPort?.postMessage(said, 'bytes' in said ? [said.bytes.buffer] : []);
});
