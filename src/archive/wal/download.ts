import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parseEncodedName, SHA256 } from '../codec/codec.ts';
import { ObjectDamagedError } from '../errors.ts';
import { walFileKind } from './names.ts';
import { type OpenedWal, openWal, type WalSource } from './source.ts';

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
  const size = await write(source, found, path);
  if (walFileKind(file) === 'segment' && segmentBytes !== null && size !== segmentBytes)
    throw new ObjectDamagedError(source.store.name, found.key, `it has ${size} bytes, not ${segmentBytes}`);
  return true;
}

async function write({ store, codec }: WalSource, { key, opened }: OpenedWal, path: string): Promise<number> {
  const { compression, encrypted } = parseEncodedName(key);
  const expected = compression === 'none' && !encrypted ? opened.head.metadata[SHA256] : undefined;
  const hash = expected === undefined ? null : createHash('sha256');
  const target = await open(path, 'w', 0o600);
  let size = 0;
  try {
    for await (const piece of codec.decode(store.name, key, opened.body)) {
      await target.writeFile(piece);
      hash?.update(piece);
      size += piece.length;
    }
  } finally {
    await target.close();
  }
  if (hash !== null && hash.digest('hex') !== expected)
    throw new ObjectDamagedError(store.name, key, 'its bytes are not those that were archived');
  return size;
}
