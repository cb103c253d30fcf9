import type { Content } from './ports.ts';

/** Node's pools are smaller. */
const ITS_OWN = 256 * 1024;

/** The bytes of a content one after the other. */
export async function* piecesOf(content: Content): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content;
  else yield* content;
}

/** Everything of a stream in one buffer: for what is known to be small. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces.length === 1 && Buffer.isBuffer(pieces[0]) ? pieces[0] : Buffer.concat(pieces);
}

/** The same where it is known how long the stream is: each piece is let go as it comes. What is longer is given too. */
export async function collectSized(stream: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  let whole = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for await (const piece of stream) {
    if (filled + piece.length > whole.length)
      whole = Buffer.concat([whole.subarray(0, filled)], 2 * (filled + piece.length));
    whole.set(piece, filled);
    filled += piece.length;
  }
  return whole.subarray(0, filled);
}

/**
 * Everything of a stream into memory that is there, from its beginning on.
 *
 * @returns how many bytes that were
 * @throws RangeError where there is no room for all
 */
export async function collectInto(room: Uint8Array, stream: AsyncIterable<Uint8Array>): Promise<number> {
  const target = asBuffer(room);
  let filled = 0;
  for await (const piece of stream) {
    copyInto(target, piece, filled);
    filled += piece.length;
  }
  return filled;
}

/**
 * Copies bytes. Into memory that threads share, `set` goes word by word: five times as slow.
 *
 * @throws RangeError where there is no room
 */
export function copyInto(target: Uint8Array, bytes: Uint8Array, at = 0): void {
  if (at + bytes.length > target.length)
    throw new RangeError(`${at + bytes.length} bytes do not fit into ${target.length}`);
  asBuffer(bytes).copy(asBuffer(target), at);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Gives the memory of a large buffer back now, not at the next collection: segments come faster than those. Nobody may
 * read it any more. A small one may lie in a pool that others share, and stays.
 */
export function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= ITS_OWN) buffer.transfer(0);
}

/**
 * Cuts a stream into blocks of exactly `size` bytes, the last one shorter (there is always at least one, perhaps
 * empty). What does not fit is copied, so a block never holds on to its source.
 */
export async function* blocksOf(stream: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(size);
  let filled = 0;
  let any = false;
  for await (const piece of stream) {
    for (let offset = 0; offset < piece.length; ) {
      const taken = Math.min(piece.length - offset, size - filled);
      block.set(piece.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < size) continue;
      yield block;
      any = true;
      block = Buffer.allocUnsafe(size);
      filled = 0;
    }
  }
  if (filled > 0 || !any) yield block.subarray(0, filled);
}
