import { parseEncodedName } from '../codec/codec.ts';
import { ObjectDamagedError } from '../errors.ts';
import { walFileKind } from '../wal/names.ts';
import type { RestoreSource } from './source.ts';

/** Where the first page of a segment says how large segments are (xlog_internal.h, XLogLongPageHeaderData). */
const SIZE_AT = 32;
const LEAST = 1024 ** 2;
const MOST = 1024 ** 3;

/** How large the archive's segments are, by the head of its first one; null: it has none. */
export async function segmentBytesOf(source: RestoreSource, signal: AbortSignal): Promise<number | null> {
  const { store, codec, layout } = source;
  for await (const { key } of store.list(layout.walFolder, { signal })) {
    const { name } = parseEncodedName(key.slice(key.lastIndexOf('/') + 1));
    if (walFileKind(name) !== 'segment') continue;
    const { body } = await store.get(key, { signal });
    const head: Uint8Array[] = [];
    let length = 0;
    for await (const piece of codec.decode(store.name, key, body)) {
      head.push(piece);
      length += piece.length;
      if (length >= SIZE_AT + 4) break;
    }
    const size = length >= SIZE_AT + 4 ? Buffer.concat(head).readUInt32LE(SIZE_AT) : 0;
    if (size >= LEAST && size <= MOST && Number.isInteger(Math.log2(size))) return size;
    throw new ObjectDamagedError(store.name, key, 'it does not begin as a segment of WAL does');
  }
  return null;
}
