import type { Content } from './ports.ts';

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
