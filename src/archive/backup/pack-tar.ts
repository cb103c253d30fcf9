import { type Compression, compressBytes } from '../codec/compression.ts';
import { release } from '../store/content.ts';
import type { StandIns } from './stand-ins.ts';

/** What is not compressed yet is, in pieces of about so many bytes. */
const FRAME_BYTES = 512 * 1024;

/**
 * A tar, compressed: its small pieces together, and in their place those that are compressed already. Frames of zstd
 * one after the other are as good as one (RFC 8878, section 3; members of gzip as well: RFC 1952, section 2.2), and
 * each can be made by itself: where its file is read. Each piece is used up when the next one is asked for.
 */
export async function* packTar(
  compression: Compression,
  tar: AsyncIterable<Uint8Array>,
  standIns: StandIns,
): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let waiting = 0;
  let isEmpty = true;
  const flush = async (): Promise<Uint8Array> => {
    const plain = Buffer.concat(pending, waiting);
    pending = [];
    waiting = 0;
    isEmpty = false;
    return await compressBytes(compression, plain);
  };
  for await (const piece of tar) {
    const packed = standIns.packedOf(piece);
    if (packed === null) {
      pending.push(piece);
      waiting += piece.length;
      if (waiting >= FRAME_BYTES) yield await flush();
      continue;
    }
    if (waiting > 0) yield await flush();
    isEmpty = false;
    yield packed;
    release(packed);
  }
  if (waiting > 0 || isEmpty) yield await flush();
}
