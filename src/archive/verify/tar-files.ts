import { pipeline } from 'node:stream';
import tar from 'tar-stream';
import { CRC_START, crcHex, updateCrc } from '../backup/crc32c.ts';

/** A file of a tar. */
export interface TarFile {
  /** Below PGDATA. */
  readonly path: string;
  readonly size: number;
  /** CRC-32C in hex, as a backup manifest has it; null: it was not asked for. */
  readonly crc: string | null;
  /** Its bytes, of the files that were asked for. */
  readonly content: Buffer | null;
}

/**
 * Reads a tar to its end without writing anything, and gives each file with its checksum.
 *
 * @throws whatever the stream throws; Error where it is no whole tar
 */
export async function* tarFiles(
  stream: AsyncIterable<Uint8Array>,
  want: { readonly checksums: boolean; keep(path: string): boolean },
): AsyncGenerator<TarFile> {
  const extract = tar.extract();
  let failure: unknown;
  const feeding = new Promise<void>((resolve) => {
    pipeline(stream, extract, (error) => {
      failure = error ?? undefined;
      resolve();
    });
  });
  try {
    for await (const entry of extract) {
      const { name, type } = entry.header;
      const path = name
        .split('/')
        .filter((part) => part !== '' && part !== '.')
        .join('/');
      const isFile = type === 'file' || type === 'contiguous-file';
      const kept: Uint8Array[] | null = isFile && want.keep(path) ? [] : null;
      let crc = CRC_START;
      let size = 0;
      for await (const piece of entry as AsyncIterable<Uint8Array>) {
        if (want.checksums) crc = updateCrc(crc, piece);
        kept?.push(piece);
        size += piece.length;
      }
      if (isFile)
        yield {
          path,
          size,
          crc: want.checksums ? crcHex(crc) : null,
          content: kept === null ? null : Buffer.concat(kept),
        };
    }
  } catch (error) {
    extract.destroy();
    await feeding;
    // The reader is told first of the closed stream, which says nothing of the cause.
    throw failure === undefined || isEarlyClose(failure) ? error : failure;
  }
  await feeding;
  if (failure !== undefined) throw failure;
}

function isEarlyClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
