import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { type Compression, decompressBytes } from '../codec/compression.ts';
import { type Room, Rooms } from './rooms.ts';
import { SegmentThread, SegmentWorkError, ThreadEndedError } from './segment-thread.ts';
import type { Unpacked } from './segment-worker.ts';

/** What is to be written to a file. */
export interface Packed {
  /** Puts it into this memory, as stored, but not encrypted. @returns how many bytes that are */
  readInto(room: Uint8Array): Promise<number>;
  readonly compression: Compression;
  /** How many bytes that are at the most. */
  readonly stored: number;
  /** How many bytes come out, as far as that is known. */
  readonly expected: number;
  readonly hashed: boolean;
}

type How = Omit<Packed, 'readInto' | 'stored'>;

/** Decompresses segments and writes them to files in a thread of its own, one after the other. */
export class Unpacker {
  readonly #rooms = new Rooms();
  readonly #thread = new SegmentThread(() => this.#rooms.empty());
  #isBroken = false;

  /** @throws SegmentWorkError; what `readInto` throws */
  async unpack(path: string, { readInto, stored, ...how }: Packed): Promise<Unpacked> {
    const room = this.#rooms.take(Math.max(stored, how.expected));
    try {
      const length = await readInto(room);
      return await this.#inThread(path, room, length, how);
    } finally {
      this.#rooms.giveBack(room);
    }
  }

  close(): void {
    this.#thread.close();
  }

  async #inThread(path: string, room: Room, length: number, how: How): Promise<Unpacked> {
    if (!this.#isBroken) {
      try {
        const answer = await this.#thread.ask({ work: 'unpack', path, room, length, ...how });
        if (!('size' in answer)) throw new TypeError(`a thread that was to unpack ${path} prepared it`);
        return answer;
      } catch (error) {
        if (!(error instanceof ThreadEndedError)) throw error;
        this.#isBroken = true;
      }
    }
    return await unpackHere(path, room.subarray(0, length), how);
  }
}

/** Without a thread of its own: by the pool. */
async function unpackHere(path: string, packed: Room, how: How): Promise<Unpacked> {
  let bytes: Uint8Array;
  try {
    bytes = await decompressBytes(how.compression, packed, how.expected);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new SegmentWorkError(message, code ?? null, false);
  }
  await writeFile(path, bytes, { mode: 0o600 });
  return {
    size: bytes.length,
    sha256: how.hashed ? createHash('sha256').update(bytes).digest('hex') : null,
  };
}
