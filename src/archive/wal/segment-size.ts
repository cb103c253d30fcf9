import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../postgres/errors.ts';
import { walFileKind } from './names.ts';

/** Where the first page of a segment says how large segments are (xlog_internal.h, XLogLongPageHeaderData). */
const SIZE_AT = 32;
const LEAST = 1024 ** 2;
const MOST = 1024 ** 3;

/** The size of the cluster's segments, by the first one in pg_wal that was begun; null: there is none. */
export async function segmentSizeOf(walDirectory: string): Promise<number | null> {
  const names = await readdir(walDirectory).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names.sort()) {
    if (walFileKind(name) !== 'segment') continue;
    const size = await readSize(join(walDirectory, name));
    if (size !== null) return size;
  }
  return null;
}

/** Null: the file is gone, or is one that was made ahead and holds nothing yet. */
async function readSize(path: string): Promise<number | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, SIZE_AT);
      // Postgres writes numbers in the machine's order; every machine that it is built for here has the low byte first.
      const size = buffer.readUInt32LE(0);
      const valid = bytesRead === 4 && size >= LEAST && size <= MOST && Number.isInteger(Math.log2(size));
      return valid ? size : null;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
