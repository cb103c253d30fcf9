import { readFile } from 'node:fs/promises';
import { type Compression, compressBytes, compressedAtMost } from '../codec/compression.ts';
import { Rooms } from './rooms.ts';
import { SegmentThread, ThreadEndedError } from './segment-thread.ts';
import { sha256Of } from './sha256.ts';

/** A file of pg_wal, ready to be stored. */
export interface Prepared {
  /** Of the original bytes, in hex. */
  readonly sha256: string;
  /** Compressed. */
  readonly bytes: Uint8Array;
  /** Nobody reads the bytes any more: their memory may be used again. Not called where somebody may. */
  release(): void;
}

/**
 * Reads, hashes and compresses segments in a thread of its own, one after the other: there it costs half of what it
 * does by the pool (which copies and clears a buffer for each step), and holds up neither the agent's loop nor the pool.
 */
export class Preparer {
  readonly #rooms = new Rooms();
  readonly #thread = new SegmentThread(() => this.#rooms.empty());
  #isBroken = false;

  /**
   * `size`: of the file.
   *
   * @throws what the file system says
   */
  async prepare(path: string, size: number, compression: Compression): Promise<Prepared> {
    if (!this.#isBroken) {
      try {
        return await this.#inThread(path, size, compression);
      } catch (error) {
        if (!(error instanceof ThreadEndedError)) throw error;
        this.#isBroken = true;
      }
    }
    return await prepareHere(path, compression);
  }

  async #inThread(path: string, size: number, compression: Compression): Promise<Prepared> {
    const room = this.#rooms.take(compressedAtMost(size));
    const answer = await this.#thread.ask({ work: 'prepare', path, compression, room });
    if (!('length' in answer)) throw new TypeError(`a thread that was to prepare ${path} unpacked it`);
    return {
      sha256: answer.sha256,
      bytes: room.subarray(0, answer.length),
      release: () => this.#rooms.giveBack(room),
    };
  }

  /** Whoever still waits is served without the thread. */
  close(): void {
    this.#thread.close();
  }
}

/** Without a thread of its own: by the pool, at twice the cost. */
export async function prepareHere(path: string, compression: Compression): Promise<Prepared> {
  const original = await readFile(path);
  const sha256 = await sha256Of(original);
  return { sha256, bytes: await compressBytes(compression, original), release: () => undefined };
}
