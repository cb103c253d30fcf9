import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Codec } from '../codec/codec.ts';
import { ObjectConflictError } from '../errors.ts';
import { walName } from '../layout.ts';
import type { ObjectStore } from '../store/ports.ts';
import type { Preparer } from './preparer.ts';
import { sha256Of, sha256OfStream } from './sha256.ts';

/** A larger file (segments may have up to 1 GiB) goes as a stream, so that memory stays bounded. */
const WHOLE = 64 * 1024 * 1024;
/** A smaller one (a history, a label) is not worth a thread. */
const WORTH_A_THREAD = 256 * 1024;
const PIECE = 1024 * 1024;

export interface WalArchive {
  readonly store: ObjectStore;
  readonly codec: Codec;
}

/**
 * Archives one file of pg_wal. The store has it, durably, when this returns; it is never written over: where there is
 * one of this name already, whatever its compression, it must have the same original bytes. `preparer`: who reads,
 * hashes and compresses a segment; null: this thread and its pool.
 *
 * @returns `present` where it was there already
 * @throws ObjectConflictError where other bytes are there; ArchiveError
 */
export async function pushFile(
  { store, codec }: WalArchive,
  file: string,
  path: string,
  signal: AbortSignal,
  preparer: Preparer | null = null,
): Promise<'created' | 'present'> {
  const name = walName(file);
  const [existing, source] = await Promise.all([
    variantOf(store, codec, name, signal),
    openSource(path, signal, codec, preparer),
  ]);
  try {
    const sha256 = await source.sha256();
    if (existing === null) {
      const options = { metadata: codec.metadataFor(sha256), signal };
      const created = await store.create(codec.keyOf(name), await source.encode(codec, name), options);
      if (created === 'created') {
        source.release();
        return 'created';
      }
    } else {
      source.release();
    }
    await requireSame({ store, codec }, existing ?? codec.keyOf(name), sha256, signal);
    return 'present';
  } finally {
    await source.close();
  }
}

/** The key under which a file is in the archive, however it was compressed; null: it is not. */
export async function variantOf(
  store: ObjectStore,
  codec: Codec,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  return await store.firstOf(codec.keysOf(name), { signal });
}

/** By the hash beside the object; where there is none (WAL-G wrote it, a writer died), by reading it. */
async function requireSame(
  { store, codec }: WalArchive,
  key: string,
  sha256: string,
  signal: AbortSignal,
): Promise<void> {
  const head = await store.head(key, { signal });
  // Gone since: retention took it, or the name was a competitor's that failed. The next try settles it.
  if (head !== null && codec.matches(head.metadata, sha256) === true) return;
  const { body } = await store.get(key, { signal });
  const hash = createHash('sha256');
  for await (const piece of codec.decode(store.name, key, body)) hash.update(piece);
  if (hash.digest('hex') !== sha256) throw new ObjectConflictError(store.name, key);
}

interface Source {
  sha256(): Promise<string>;
  encode(codec: Codec, name: string): Promise<Uint8Array | AsyncIterable<Uint8Array>>;
  /** Nobody reads what it was made of any more: its memory is given back. */
  release(): void;
  close(): Promise<void>;
}

async function openSource(
  path: string,
  signal: AbortSignal,
  codec: Codec,
  preparer: Preparer | null,
): Promise<Source> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > WHOLE) {
      const stream = () =>
        file.createReadStream({ start: 0, highWaterMark: PIECE, autoClose: false, signal });
      return {
        sha256: () => sha256OfStream(stream()),
        encode: async (_, name) => codec.encodeStream(name, stream()),
        release: () => undefined,
        close: () => file.close(),
      };
    }
    if (preparer !== null && size >= WORTH_A_THREAD) {
      await file.close();
      const prepared = await preparer.prepare(path, size, codec.compression);
      return {
        sha256: async () => prepared.sha256,
        encode: (_, name) => codec.sealBytes(name, prepared.bytes),
        release: prepared.release,
        close: async () => {},
      };
    }
    const bytes = await file.readFile();
    await file.close();
    return {
      sha256: () => sha256Of(bytes),
      encode: (_, name) => codec.encodeBytes(name, bytes),
      release: () => undefined,
      close: async () => {},
    };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}
