import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { EncryptionKeyError } from '../errors.ts';

/** A key for client-side encryption. */
export interface EncryptionKey {
  /** 16 hex digits of its SHA-256: tells keys apart, and nothing about them. */
  readonly id: string;
  readonly secret: Buffer;
}

/** The keys of a file: the first one encrypts, all of them decrypt. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, EncryptionKey>;
  readonly current: EncryptionKey;

  constructor(keys: readonly EncryptionKey[]) {
    const [current] = keys;
    if (current === undefined) throw new EncryptionKeyError('the file of encryption keys has none');
    this.current = current;
    this.#keys = new Map(keys.map((key) => [key.id, key]));
  }

  /** @throws EncryptionKeyError */
  get(id: string): EncryptionKey {
    const key = this.#keys.get(id);
    if (key !== undefined) return key;
    throw new EncryptionKeyError(
      `it was encrypted with the key ${id}, which is not in the file (that has ${[...this.#keys.keys()].join(', ')})`,
    );
  }
}

/**
 * Reads a file of keys: one a line, 32 bytes in base64 or hex; empty lines and those that begin with `#` count for
 * nothing. To exchange a key, put the new one before the old one.
 *
 * @throws EncryptionKeyError
 */
export async function readKeys(path: string): Promise<KeyRing> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new EncryptionKeyError(`the file of encryption keys ${path} cannot be read`, error);
  });
  const lines = text.split('\n').map((line) => line.trim());
  const keys: EncryptionKey[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const secret = decode(line);
    // The line itself is never told.
    if (secret === null) throw new EncryptionKeyError(`line ${index + 1} of ${path} is no key of 32 bytes`);
    keys.push(encryptionKey(secret));
  }
  return new KeyRing(keys);
}

/** A key of 32 bytes. */
export function encryptionKey(secret: Buffer): EncryptionKey {
  return { id: createHash('sha256').update(secret).digest('hex').slice(0, 16), secret };
}

function decode(line: string): Buffer | null {
  if (/^[0-9a-fA-F]{64}$/.test(line)) return Buffer.from(line, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(line)) return null;
  const secret = Buffer.from(line, 'base64');
  return secret.length === 32 ? secret : null;
}
