import { lsnBytes } from '../../ha/lsn.ts';
import { inParallel } from '../catalog/in-parallel.ts';
import type { CatalogSource } from '../catalog/list-backups.ts';
import { type Codec, parseEncodedName } from '../codec/codec.ts';
import { ObjectDamagedError, ObjectMissingError } from '../errors.ts';
import { parseSegment, segmentBounds, walFileKind } from '../wal/names.ts';
import { error, type Finding } from './findings.ts';

/** How the first page of a segment begins: XLogPageHeaderData (xlog_internal.h). */
const TIMELINE_AT = 4;
const ADDRESS_AT = 8;
const HEADER_BYTES = 40;

export interface CheckedWal {
  readonly segments: number;
  readonly readBytes: number;
  readonly findings: readonly Finding[];
}

/**
 * Reads every segment from a number on: whole, of the right size, and WAL of the place that its name says.
 *
 * @throws ArchiveError where the store fails
 */
export async function checkWal(
  { store, codec, layout }: CatalogSource & { readonly codec: Codec },
  segmentBytes: number,
  from: number,
  options: { readonly parallel: number; onBytes(bytes: number): void },
  signal: AbortSignal,
): Promise<CheckedWal> {
  const keys: string[] = [];
  for await (const { key } of store.list(layout.walFolder, { signal })) {
    const { name } = parseEncodedName(key.slice(key.lastIndexOf('/') + 1));
    const segment = walFileKind(name) === 'segment' ? parseSegment(name, segmentBytes) : null;
    if (segment !== null && segment.number >= from) keys.push(key);
  }
  let readBytes = 0;
  const findings = await inParallel(keys, options.parallel, async (key) => {
    const why = await damageOf(key);
    return why === null ? null : error('WAL_DAMAGED', key, why);
  });
  return { segments: keys.length, readBytes, findings: findings.filter((one) => one !== null) };

  async function damageOf(key: string): Promise<string | null> {
    const segment = parseSegment(parseEncodedName(key.slice(key.lastIndexOf('/') + 1)).name, segmentBytes);
    if (segment === null) return null;
    const head = Buffer.alloc(HEADER_BYTES);
    let size = 0;
    try {
      const { body } = await store.get(key, { signal });
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const piece of body) {
          readBytes += piece.length;
          options.onBytes(piece.length);
          yield piece;
        }
      }
      for await (const piece of codec.decode(store.name, key, counted())) {
        if (size < HEADER_BYTES) head.set(piece.subarray(0, HEADER_BYTES - size), size);
        size += piece.length;
      }
    } catch (failure) {
      // Retention took it meanwhile.
      if (failure instanceof ObjectMissingError) return null;
      if (failure instanceof ObjectDamagedError) return failure.message;
      throw failure;
    }
    if (size !== segmentBytes) return `has ${size} bytes, not ${segmentBytes}`;
    const address = Number(head.readBigUInt64LE(ADDRESS_AT));
    const start = lsnBytes(segmentBounds(segment, segmentBytes).start);
    if (address !== start) return 'is WAL of another place than its name says';
    // Of the segment in which a timeline begins, the first pages are still the old one's.
    if (head.readUInt32LE(TIMELINE_AT) > segment.timeline)
      return 'is WAL of a later timeline than its name says';
    return null;
  }
}
