import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parseEncodedName, SHA256 } from '../codec/codec.ts';
import { ObjectDamagedError } from '../errors.ts';
import { collectInto, piecesOf, release } from '../store/content.ts';
import { walFileKind } from './names.ts';
import { SegmentWorkError } from './segment-thread.ts';
import { type OpenedWal, openWal, type WalSource } from './source.ts';
import type { Unpacker } from './unpacker.ts';

/** Up to here a file is made in memory. */
const WHOLE = 64 * 1024 * 1024;
/** A smaller one (a history, a label) is not worth a thread. */
const WORTH_A_THREAD = 256 * 1024;

/**
 * Writes a file of the archive to `path`, whole and proven: what is cut short or changed is told by the compression's
 * checksum, or by the hash beside the object. `unpacker`: who decompresses a segment and writes it; null: this thread
 * and its pool.
 *
 * @returns false where the archive has none
 * @throws ObjectDamagedError, ArchiveError; what is at `path` is of no use then
 */
export async function downloadWal(
  source: WalSource,
  file: string,
  path: string,
  segmentBytes: number | null,
  signal: AbortSignal,
  unpacker: Unpacker | null = null,
): Promise<boolean> {
  const found = await openWal(source, file, signal);
  if (found === null) return false;
  const { size: stored } = found.opened.head;
  const isSmall = stored <= WHOLE && (segmentBytes ?? 0) <= WHOLE;
  const size =
    unpacker !== null && isSmall && stored >= WORTH_A_THREAD
      ? await unpackWith(unpacker, source, found, path, segmentBytes ?? 0)
      : await write(source, found, path, segmentBytes ?? 0, isSmall);
  if (walFileKind(file) === 'segment' && segmentBytes !== null && size !== segmentBytes)
    throw new ObjectDamagedError(source.store.name, found.key, `it has ${size} bytes, not ${segmentBytes}`);
  return true;
}

async function unpackWith(
  unpacker: Unpacker,
  { store, codec }: WalSource,
  { key, opened }: OpenedWal,
  path: string,
  expected: number,
): Promise<number> {
  const { compression, encrypted } = parseEncodedName(key);
  const hash = expectedHash(key, opened);
  const readInto = (room: Uint8Array): Promise<number> =>
    encrypted || opened.readInto === undefined
      ? collectInto(room, codec.unseal(store.name, key, opened.body))
      : opened.readInto(room);
  try {
    const { size, sha256 } = await unpacker.unpack(path, {
      readInto,
      compression,
      stored: opened.head.size,
      expected,
      hashed: hash !== null,
    });
    if (sha256 !== hash) throw otherBytes(store.name, key);
    return size;
  } catch (error) {
    const isOfContent = error instanceof RangeError || (error instanceof SegmentWorkError && !error.isOfFile);
    throw isOfContent ? new ObjectDamagedError(store.name, key, error.message, error) : error;
  }
}

async function write(
  { store, codec }: WalSource,
  { key, opened }: OpenedWal,
  path: string,
  segmentBytes: number,
  isSmall: boolean,
): Promise<number> {
  const expected = expectedHash(key, opened);
  const hash = expected === null ? null : createHash('sha256');
  const target = await open(path, 'w', 0o600);
  let size = 0;
  try {
    const pieces = isSmall
      ? piecesOf(
          await codec.decodeBytes(store.name, key, opened.body, {
            stored: opened.head.size,
            expected: segmentBytes,
          }),
        )
      : codec.decode(store.name, key, opened.body);
    for await (const piece of pieces) {
      await target.writeFile(piece);
      hash?.update(piece);
      size += piece.length;
      if (isSmall) release(piece);
    }
  } finally {
    await target.close();
  }
  if (hash !== null && hash.digest('hex') !== expected) throw otherBytes(store.name, key);
  return size;
}

/** What is neither compressed nor encrypted carries nothing that proves it. Null: that, or nothing is beside it. */
function expectedHash(key: string, { head }: OpenedWal['opened']): string | null {
  const { compression, encrypted } = parseEncodedName(key);
  return compression === 'none' && !encrypted ? (head.metadata[SHA256] ?? null) : null;
}

function otherBytes(store: string, key: string): ObjectDamagedError {
  return new ObjectDamagedError(store, key, 'its bytes are not those that were archived');
}
