import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parseEncodedName, SHA256 } from '../codec/codec.ts';
import { ObjectDamagedError } from '../errors.ts';
import { piecesOf, release } from '../store/content.ts';
import { walFileKind } from './names.ts';
import { type OpenedWal, openWal, type WalSource } from './source.ts';

/** Up to here a file is made in memory. */
const WHOLE = 64 * 1024 * 1024;

/**
 * Writes a file of the archive to `path`, whole and proven: what is cut short or changed is told by the compression's
 * checksum, or by the hash beside the object.
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
): Promise<boolean> {
  const found = await openWal(source, file, signal);
  if (found === null) return false;
  const size = await write(source, found, path, segmentBytes ?? 0);
  if (walFileKind(file) === 'segment' && segmentBytes !== null && size !== segmentBytes)
    throw new ObjectDamagedError(source.store.name, found.key, `it has ${size} bytes, not ${segmentBytes}`);
  return true;
}

async function write(
  { store, codec }: WalSource,
  { key, opened }: OpenedWal,
  path: string,
  segmentBytes: number,
): Promise<number> {
  const { compression, encrypted } = parseEncodedName(key);
  const expected = compression === 'none' && !encrypted ? opened.head.metadata[SHA256] : undefined;
  const hash = expected === undefined ? null : createHash('sha256');
  const target = await open(path, 'w', 0o600);
  let size = 0;
  try {
    const isSmall = opened.head.size <= WHOLE && segmentBytes <= WHOLE;
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
  if (hash !== null && hash.digest('hex') !== expected)
    throw new ObjectDamagedError(store.name, key, 'its bytes are not those that were archived');
  return size;
}
