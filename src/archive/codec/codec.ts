import { ArchiveError, EncryptionKeyError, ObjectDamagedError } from '../errors.ts';
import { collect, collectSized, piecesOf, release } from '../store/content.ts';
import type { Content } from '../store/ports.ts';
import {
  COMPRESSIONS,
  type Compression,
  compressBytes,
  compressStream,
  decompressBytes,
  decompressStream,
  extensionOf,
} from './compression.ts';
import {
  DamagedCiphertextError,
  decryptStream,
  ENCRYPTED_EXTENSION,
  encryptStream,
  keyedFingerprint,
} from './encryption.ts';
import type { KeyRing } from './encryption-key.ts';

/** Beside each object: the SHA-256 of its original bytes. */
export const SHA256 = 'pgwarden-sha256';
/** Beside an encrypted object, in place of that: the same hash, keyed, so that it tells strangers nothing. */
export const FINGERPRINT = 'pgwarden-fingerprint';
/** Beside an encrypted object: the id of its key. */
export const KEY_ID = 'pgwarden-key-id';

/** A name with what the extension of its key says. */
export interface EncodedName {
  readonly name: string;
  readonly compression: Compression;
  readonly encrypted: boolean;
}

/** Takes a key apart: `000000010000000000000001.zst.aes`. What ends with neither is stored as it is. */
export function parseEncodedName(key: string): EncodedName {
  const encrypted = key.endsWith(ENCRYPTED_EXTENSION);
  const rest = encrypted ? key.slice(0, -ENCRYPTED_EXTENSION.length) : key;
  const compression = COMPRESSIONS.find((one) => one !== 'none' && rest.endsWith(extensionOf(one))) ?? 'none';
  return { name: rest.slice(0, rest.length - extensionOf(compression).length), compression, encrypted };
}

/**
 * What lies between bytes and objects: compression, and encryption where there are keys. What it writes carries its
 * ways in its key, so that everything ever written can be read, whatever is configured now.
 */
export class Codec {
  readonly compression: Compression;
  readonly #keys: KeyRing | null;

  /** `keys`: null for no encryption. */
  constructor(compression: Compression, keys: KeyRing | null) {
    this.compression = compression;
    this.#keys = keys;
  }

  get encrypts(): boolean {
    return this.#keys !== null;
  }

  /** The key that `name` is written under. */
  keyOf(name: string): string {
    return name + extensionOf(this.compression) + (this.#keys === null ? '' : ENCRYPTED_EXTENSION);
  }

  /** Every key that an object of this name may have, its own way of writing first. */
  keysOf(name: string): readonly string[] {
    const plain = COMPRESSIONS.map((compression) => name + extensionOf(compression));
    const all = [...plain, ...plain.map((key) => key + ENCRYPTED_EXTENSION)];
    const own = this.keyOf(name);
    return [own, ...all.filter((key) => key !== own)];
  }

  /** What an object is to be made of: all in memory, for what is known to be small (a segment of 16 MiB). */
  async encodeBytes(name: string, bytes: Uint8Array): Promise<Uint8Array> {
    return await this.sealBytes(name, await compressBytes(this.compression, bytes));
  }

  /** What an object is to be made of, from bytes that are compressed already. */
  async sealBytes(name: string, compressed: Uint8Array): Promise<Uint8Array> {
    if (this.#keys === null) return compressed;
    return await collect(encryptStream(this.#keys.current, name, piecesOf(compressed)));
  }

  /** The same as a stream. */
  encodeStream(name: string, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.sealStream(name, compressStream(this.compression, source));
  }

  /** The same of what is compressed already. */
  sealStream(name: string, compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    return this.#keys === null ? compressed : encryptStream(this.#keys.current, name, compressed);
  }

  /** The metadata that goes with original bytes of this SHA-256 (hex). */
  metadataFor(sha256: string): Readonly<Record<string, string>> {
    if (this.#keys === null) return { [SHA256]: sha256 };
    const { current } = this.#keys;
    return { [FINGERPRINT]: keyedFingerprint(current, sha256), [KEY_ID]: current.id };
  }

  /** Whether metadata is that of original bytes of this SHA-256; null: it does not tell. */
  matches(metadata: Readonly<Record<string, string>>, sha256: string): boolean | null {
    if (metadata[SHA256] !== undefined) return metadata[SHA256] === sha256;
    const id = metadata[KEY_ID];
    if (metadata[FINGERPRINT] === undefined || id === undefined || this.#keys === null) return null;
    return metadata[FINGERPRINT] === keyedFingerprint(this.#keys.get(id), sha256);
  }

  /**
   * The original bytes of an object, by what its key says.
   *
   * @throws ObjectDamagedError, EncryptionKeyError while it is read
   */
  async *decode(store: string, key: string, content: Content): AsyncGenerator<Uint8Array> {
    const { name, compression, encrypted } = parseEncodedName(key);
    try {
      yield* decompressStream(compression, encrypted ? this.#decrypt(name, content) : piecesOf(content));
    } catch (error) {
      throw damaged(store, key, error);
    }
  }

  /**
   * The same of an object that is small (a segment of 16 MiB), all in memory: at half the cost of a stream. `stored`:
   * how many bytes it has, `expected`: how many come out of it, as far as that is known.
   *
   * @throws ObjectDamagedError, EncryptionKeyError
   */
  async decodeBytes(
    store: string,
    key: string,
    content: Content,
    { stored, expected }: { readonly stored: number; readonly expected: number },
  ): Promise<Uint8Array> {
    const { name, compression, encrypted } = parseEncodedName(key);
    try {
      const pieces = encrypted ? this.#decrypt(name, content) : piecesOf(content);
      const compressed = await collectSized(pieces, stored);
      if (compression === 'none') return compressed;
      try {
        return await decompressBytes(compression, compressed, expected);
      } finally {
        release(compressed);
      }
    } catch (error) {
      throw damaged(store, key, error);
    }
  }

  /**
   * An object as it is compressed, without what encrypts it: the first half of `decode`.
   *
   * @throws ObjectDamagedError, EncryptionKeyError while it is read
   */
  async *unseal(store: string, key: string, content: Content): AsyncGenerator<Uint8Array> {
    const { name, encrypted } = parseEncodedName(key);
    try {
      yield* encrypted ? this.#decrypt(name, content) : piecesOf(content);
    } catch (error) {
      throw damaged(store, key, error);
    }
  }

  #decrypt(name: string, content: Content): AsyncIterable<Uint8Array> {
    if (this.#keys === null)
      throw new EncryptionKeyError(
        `${name} is encrypted, and no key is configured (archive.encryption.keyFile)`,
      );
    return decryptStream(this.#keys, name, piecesOf(content));
  }
}

/** What went wrong in reading stays what it was; all else is the object's own. */
function damaged(store: string, key: string, error: unknown): ArchiveError {
  if (error instanceof ArchiveError && !(error instanceof DamagedCiphertextError)) return error;
  return new ObjectDamagedError(store, key, error instanceof Error ? error.message : String(error), error);
}
