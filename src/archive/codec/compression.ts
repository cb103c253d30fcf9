import { pipeline, type Transform } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decompressFrameStream, decompressFrames, decompressFramesSync } from './zstd-frames.ts';

/** How objects are compressed. */
export type Compression = 'zstd' | 'gzip' | 'none';

/** By WAL-G's names (its package `compression`): the extension of a key tells how to read it. */
const EXTENSIONS: Readonly<Record<Compression, string>> = { zstd: '.zst', gzip: '.gz', none: '' };

export const COMPRESSIONS: readonly Compression[] = ['zstd', 'gzip', 'none'];

const ZSTD = {
  params: {
    [zlib.constants.ZSTD_c_compressionLevel]: 1,
    // Four bytes that tell a damaged object from a whole one; every zstd checks them.
    [zlib.constants.ZSTD_c_checksumFlag]: 1,
  },
};
const GZIP = { level: 4 };
/** Node's own chunks of 16 KiB would cost a thousand turns of the thread pool a segment. */
const STREAM_CHUNK = 256 * 1024;

const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);

export function extensionOf(compression: Compression): string {
  return EXTENSIONS[compression];
}

/** All at once, in the thread pool. */
export async function compressBytes(compression: Compression, bytes: Uint8Array): Promise<Uint8Array> {
  switch (compression) {
    case 'zstd':
      return await zstdCompress(bytes, { ...ZSTD, chunkSize: compressedAtMost(bytes.length) });
    case 'gzip':
      return await gzip(bytes, { ...GZIP, chunkSize: compressedAtMost(bytes.length) });
    case 'none':
      return bytes;
  }
}

/** The same in the calling thread: for one that does nothing else. */
export function compressBytesSync(compression: Compression, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case 'zstd':
      return zlib.zstdCompressSync(bytes, { ...ZSTD, chunkSize: compressedAtMost(bytes.length) });
    case 'gzip':
      return zlib.gzipSync(bytes, { ...GZIP, chunkSize: compressedAtMost(bytes.length) });
    case 'none':
      return bytes;
  }
}

/** What so many bytes compress to at most (ZSTD_compressBound; gzip adds less): the result is one buffer, never copied. */
export function compressedAtMost(bytes: number): number {
  return bytes + Math.ceil(bytes / 256) + 64 * 1024;
}

/** As a stream, for what is larger than memory. */
export function compressStream(
  compression: Compression,
  source: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'zstd':
      return through(source, zlib.createZstdCompress({ ...ZSTD, chunkSize: STREAM_CHUNK }));
    case 'gzip':
      return through(source, zlib.createGzip({ ...GZIP, chunkSize: STREAM_CHUNK }));
    case 'none':
      return source;
  }
}

/** All at once, in the thread pool. `expected`: how many bytes come out, as far as that is known: then no copy is made. */
export async function decompressBytes(
  compression: Compression,
  bytes: Uint8Array,
  expected: number,
): Promise<Uint8Array> {
  const chunkSize = roomFor(expected);
  switch (compression) {
    case 'zstd':
      return await decompressFrames(bytes, chunkSize);
    case 'gzip':
      return await gunzip(bytes, { chunkSize });
    case 'none':
      return bytes;
  }
}

/** The same in the calling thread: for one that does nothing else. */
export function decompressBytesSync(
  compression: Compression,
  bytes: Uint8Array,
  expected: number,
): Uint8Array {
  const chunkSize = roomFor(expected);
  switch (compression) {
    case 'zstd':
      return decompressFramesSync(bytes, chunkSize);
    case 'gzip':
      return zlib.gunzipSync(bytes, { chunkSize });
    case 'none':
      return bytes;
  }
}

/** One byte more: a result that fills the buffer is looked at for what comes behind. */
function roomFor(expected: number): number {
  return Math.max(64 * 1024, expected + 1);
}

/** The original bytes. A stream that is cut short or damaged ends with an error. */
export function decompressStream(
  compression: Compression,
  source: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'zstd':
      return decompressFrameStream(source, STREAM_CHUNK);
    case 'gzip':
      return through(source, zlib.createGunzip({ chunkSize: STREAM_CHUNK }));
    case 'none':
      return source;
  }
}

/** An error on either side ends both; leaving the loop early ends the source too. */
function through(source: AsyncIterable<Uint8Array>, transform: Transform): AsyncIterable<Uint8Array> {
  // The reader of the last stream is told the error.
  return pipeline(source, transform, () => undefined);
}
