import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream';
import tar from 'tar-stream';
import { type Places, placeOf } from './entry-place.ts';

export interface UnpackOptions {
  readonly places: Places;
  /** The names are those of a tablespace's files; null: of the data directory's. */
  readonly tablespace: string | null;
  readonly signal: AbortSignal;
}

/** What a tar held. */
export interface Unpacked {
  readonly files: number;
  readonly bytes: number;
}

/** A tar has something that no backup has; the message goes on from "it". */
export class StrangeTarError extends Error {}

/** Permissions that initdb gives, or those of a cluster that its group may read (PGDATA's documentation). */
const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;
/** Small pieces are joined up to this before a write. */
const WRITE_BYTES = 1024 * 1024;

/**
 * Unpacks a tar as it arrives. One file is open at a time, and no more of it is in memory than a few pieces. What is
 * already there is replaced, so that a part may be unpacked again.
 *
 * @throws StrangeTarError; whatever the stream throws
 */
export async function unpack(stream: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<Unpacked> {
  const { places, tablespace, signal } = options;
  const extract = tar.extract();
  let failure: unknown;
  // The reader is told first by its own error, which says only that the stream closed early.
  const feeding = new Promise<void>((resolve) => {
    pipeline(stream, extract, (error) => {
      failure = error ?? undefined;
      resolve();
    });
  });
  const made = new Set<string>();
  let files = 0;
  let bytes = 0;
  try {
    for await (const entry of extract) {
      signal.throwIfAborted();
      const { name, type, mode } = entry.header;
      const place = placeOf(name, tablespace, places);
      if (place.kind === 'refuse') throw new StrangeTarError(place.why);
      if (place.kind === 'skip') {
        entry.resume();
        continue;
      }
      switch (type) {
        case 'directory':
          await makeOnce(place.path, made, mode);
          entry.resume();
          break;
        case 'file':
        case 'contiguous-file':
          await makeOnce(dirname(place.path), made);
          bytes += await writeFile(place.path, entry as AsyncIterable<Uint8Array>, mode, signal);
          files += 1;
          break;
        default:
          throw new StrangeTarError(`it has ${name}, which is neither a file nor a directory (${type})`);
      }
    }
  } catch (error) {
    extract.destroy();
    await feeding;
    signal.throwIfAborted();
    throw error instanceof StrangeTarError || failure === undefined || isEarlyClose(failure)
      ? error
      : failure;
  }
  await feeding;
  if (failure !== undefined) throw failure;
  return { files, bytes };
}

function isEarlyClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

async function makeOnce(path: string, made: Set<string>, mode?: number): Promise<void> {
  if (made.has(path)) return;
  await mkdir(path, { recursive: true, mode: mode === undefined ? 0o700 : (mode & DIRECTORY_MODE) | 0o700 });
  made.add(path);
}

async function writeFile(
  path: string,
  entry: AsyncIterable<Uint8Array>,
  mode: number | undefined,
  signal: AbortSignal,
): Promise<number> {
  const file = await open(path, 'w', ((mode ?? 0o600) & FILE_MODE) | 0o600);
  try {
    let pending: Uint8Array[] = [];
    let waiting = 0;
    let size = 0;
    for await (const piece of entry) {
      pending.push(piece);
      waiting += piece.length;
      if (waiting < WRITE_BYTES) continue;
      signal.throwIfAborted();
      await writeAll(file, pending, waiting);
      size += waiting;
      pending = [];
      waiting = 0;
    }
    if (waiting > 0) await writeAll(file, pending, waiting);
    return size + waiting;
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, pieces: Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await file.writev(pieces);
  if (bytesWritten === bytes) return;
  // A full disk may take a part before it says so.
  const rest = Buffer.concat(pieces).subarray(bytesWritten);
  await file.writeFile(rest);
}
