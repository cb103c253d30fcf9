import { createHash } from 'node:crypto';
import { ArchiveError, ObjectConflictError } from '../errors.ts';
import type { WalArchive } from '../wal/push-file.ts';
import { packTar } from './pack-tar.ts';
import { TarSource, type TarWriter } from './tar.ts';

/** A tar in the archive. */
export interface StoredTar {
  readonly key: string;
  /** Of the tar itself. */
  readonly tarBytes: number;
  /** As stored: compressed, encrypted. */
  readonly storedBytes: number;
  /** Of what is stored, in hex. */
  readonly sha256: string;
}

const TRIES = 3;

/**
 * Puts a tar into the archive. The store retries pieces of it; where it fails for good but may well do better, the
 * tar is made again from its beginning: `fill` is called once more.
 *
 * @throws ArchiveError, or what `fill` throws
 */
export async function uploadTar(
  archive: WalArchive,
  name: string,
  fill: (tar: TarWriter) => Promise<void>,
  signal: AbortSignal,
): Promise<StoredTar> {
  const { store, codec } = archive;
  const key = codec.keyOf(name);
  for (let tries = 1; ; tries++) {
    const source = new TarSource(fill);
    const made = new Tally(source.pieces());
    const packed = packTar(codec.compression, made.pieces(), source.standIns);
    const stored = new Tally(codec.sealStream(name, packed), true);
    try {
      // Nobody else may write here: what is there was left by a try whose answer was lost.
      if (tries > 1) await store.deleteMany([key], { signal });
      const outcome = await store.create(key, stored.pieces(), { signal });
      if (outcome === 'exists') throw new ObjectConflictError(store.name, key);
      return { key, tarBytes: made.bytes, storedBytes: stored.bytes, sha256: stored.digest() };
    } catch (error) {
      await source.close();
      signal.throwIfAborted();
      // The store only sees that its source ended with an error, and takes it for one of its own.
      if (source.failure !== null) throw source.failure.error;
      if (!(error instanceof ArchiveError) || !error.transient || tries === TRIES) throw error;
    }
  }
}

/** Counts what passes, and hashes it where that is wanted. */
class Tally {
  readonly #source: AsyncIterable<Uint8Array>;
  readonly #hash: ReturnType<typeof createHash> | null;
  bytes = 0;

  constructor(source: AsyncIterable<Uint8Array>, hashed = false) {
    this.#source = source;
    this.#hash = hashed ? createHash('sha256') : null;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of this.#source) {
      this.bytes += piece.length;
      this.#hash?.update(piece);
      yield piece;
    }
  }

  digest(): string {
    return this.#hash?.digest('hex') ?? '';
  }
}
