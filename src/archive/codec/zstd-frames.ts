import { promisify } from 'node:util';
import zlib, { type ZstdDecompress, type ZstdOptions } from 'node:zlib';

interface Decoded {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const decompress = promisify(
  (bytes: Uint8Array, options: ZstdOptions, done: (error: Error | null, decoded: Decoded) => void) =>
    // With `info` it gives the decoder too, of which the types do not know.
    zlib.zstdDecompress(bytes, { ...options, info: true }, (error, decoded) =>
      done(error, decoded as unknown as Decoded),
    ),
);

/**
 * The original bytes of zstd, all of its frames: one compressed in several (pzstd, `cat` of two) is as valid as one in
 * one (RFC 8878, section 3), and Node's decoder ends after the first without a word, as if that were all.
 *
 * `chunkSize`: at least what comes out, and no copy is made.
 */
export async function decompressFrames(bytes: Uint8Array, chunkSize: number): Promise<Uint8Array> {
  const { buffer, engine } = await decompress(bytes, { chunkSize });
  if (engine.bytesWritten === bytes.length) return buffer;
  const frames = [buffer];
  for (let at = engine.bytesWritten; at < bytes.length; ) {
    const next = await decompress(bytes.subarray(at), {});
    frames.push(next.buffer);
    at += next.engine.bytesWritten;
  }
  return Buffer.concat(frames);
}

/** The same in the calling thread. */
export function decompressFramesSync(bytes: Uint8Array, chunkSize: number): Uint8Array {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; ) {
    const options = { ...(at === 0 ? { chunkSize } : {}), info: true };
    const { buffer, engine } = zlib.zstdDecompressSync(bytes.subarray(at), options) as unknown as Decoded;
    frames.push(buffer);
    at += engine.bytesWritten;
  }
  const [first] = frames;
  return frames.length === 1 && first !== undefined ? first : Buffer.concat(frames);
}

/** The same of a stream. What is cut short, and what comes behind the last frame and is none, is an error. */
export async function* decompressFrameStream(
  source: AsyncIterable<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  let left: Uint8Array | null = new Uint8Array();
  try {
    while (left !== null) {
      const decoder = zlib.createZstdDecompress({ chunkSize });
      const fed = feed(decoder, left, pieces);
      // Told by the decoder, which it ends: who leaves early waits for neither.
      fed.catch(() => undefined);
      yield* decoder as AsyncIterable<Uint8Array>;
      left = await fed;
    }
  } finally {
    await pieces.return?.();
  }
}

/** Gives a decoder what comes until its frame ends. @returns what is behind the frame; null: nothing */
async function feed(
  decoder: ZstdDecompress,
  first: Uint8Array,
  pieces: AsyncIterator<Uint8Array>,
): Promise<Uint8Array | null> {
  try {
    for (let piece = first; ; ) {
      const before = decoder.bytesWritten;
      if (piece.length > 0) await write(decoder, piece);
      const taken = decoder.bytesWritten - before;
      if (taken < piece.length) return piece.subarray(taken);
      const next = await pieces.next();
      if (next.done === true) break;
      piece = next.value;
    }
    decoder.end();
    return null;
  } catch (error) {
    decoder.destroy(error as Error);
    throw error;
  }
}

function write(decoder: ZstdDecompress, piece: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  decoder.write(piece, (error) => (error ? reject(error) : resolve()));
  return promise;
}
