import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { EncryptionKeyError } from '../errors.ts';
import { blocksOf } from '../store/content.ts';
import type { EncryptionKey, KeyRing } from './encryption-key.ts';

/**
 * An encrypted object: a header, then blocks of 64 KiB, each sealed by AES-256-GCM with a tag of its own.
 *
 *     PGWENC1\n | key id, 16 hex digits | salt, 32 bytes | block | block | …
 *
 * The key of the object is drawn from the key of the file by HKDF-SHA256 with the salt and the object's name, so that
 * no two objects share one and none can pass for another. A block's nonce is its number and whether it is the last
 * (the STREAM construction, as age has it): blocks cannot be cut off, swapped or repeated unnoticed, and none is given
 * out before it is proven.
 */
const MAGIC = Buffer.from('PGWENC1\n');
const ID_BYTES = 16;
const SALT_BYTES = 32;
const HEADER_BYTES = MAGIC.length + ID_BYTES + SALT_BYTES;
const BLOCK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What an encrypted object's key ends with. */
export const ENCRYPTED_EXTENSION = '.aes';

/** Seals a stream under a name. */
export async function* encryptStream(
  key: EncryptionKey,
  name: string,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const salt = randomBytes(SALT_BYTES);
  const secret = secretFor(key, salt, name);
  yield Buffer.concat([MAGIC, Buffer.from(key.id), salt]);
  let number = 0;
  for await (const { block, isLast } of withLast(blocksOf(source, BLOCK_BYTES))) {
    const cipher = createCipheriv(CIPHER, secret, nonce(number++, isLast));
    yield Buffer.concat([cipher.update(block), cipher.final(), cipher.getAuthTag()]);
  }
}

/**
 * Opens what `encryptStream` sealed under the same name.
 *
 * @throws EncryptionKeyError where the key is not in the ring; DamagedCiphertextError where anything was changed
 */
export async function* decryptStream(
  keys: KeyRing,
  name: string,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { header, first } = await readHeader(iterator);
    if (!header.subarray(0, MAGIC.length).equals(MAGIC))
      throw new DamagedCiphertextError('it does not begin as an encrypted object does');
    const id = header.subarray(MAGIC.length, MAGIC.length + ID_BYTES).toString('latin1');
    const secret = secretFor(keys.get(id), header.subarray(MAGIC.length + ID_BYTES), name);
    let number = 0;
    const blocks = blocksOf(restOf(first, iterator), BLOCK_BYTES + TAG_BYTES);
    for await (const { block, isLast } of withLast(blocks)) {
      if (block.length < TAG_BYTES) throw new DamagedCiphertextError('it is cut short');
      const opener = createDecipheriv(CIPHER, secret, nonce(number++, isLast));
      opener.setAuthTag(block.subarray(block.length - TAG_BYTES));
      const opened = opener.update(block.subarray(0, block.length - TAG_BYTES));
      try {
        opener.final();
      } catch (error) {
        throw new DamagedCiphertextError('its authentication fails', error);
      }
      yield opened;
    }
  } finally {
    // However it ends: the source holds a file or a connection open.
    await iterator.return?.();
  }
}

/** The bytes are not what was sealed under this name. */
export class DamagedCiphertextError extends EncryptionKeyError {}

/** A keyed hash: tells whether two contents are the same to whoever has the key, and nothing to others. */
export function keyedFingerprint(key: EncryptionKey, sha256: string): string {
  return createHmac('sha256', key.secret).update(`pgwarden fingerprint ${sha256}`).digest('hex');
}

function secretFor(key: EncryptionKey, salt: Uint8Array, name: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key.secret, salt, `pgwarden object ${name}`, 32));
}

/** 7 bytes of zero, the block's number in 4, and 1 for the last block. */
function nonce(number: number, isLast: boolean): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(number, 7);
  bytes[11] = isLast ? 1 : 0;
  return bytes;
}

async function* withLast(blocks: AsyncIterable<Buffer>): AsyncGenerator<{ block: Buffer; isLast: boolean }> {
  let held: Buffer | null = null;
  for await (const block of blocks) {
    // A stream of exactly n blocks may end with an empty one.
    if (block.length === 0 && held !== null) continue;
    if (held !== null) yield { block: held, isLast: false };
    held = block;
  }
  if (held !== null) yield { block: held, isLast: true };
}

async function readHeader(
  iterator: AsyncIterator<Uint8Array>,
): Promise<{ readonly header: Buffer; readonly first: Buffer }> {
  let read = Buffer.alloc(0);
  while (read.length < HEADER_BYTES) {
    const { done, value } = await iterator.next();
    if (done === true) throw new DamagedCiphertextError('it is cut short');
    read = Buffer.concat([read, value]);
  }
  return { header: read.subarray(0, HEADER_BYTES), first: read.subarray(HEADER_BYTES) };
}

async function* restOf(first: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}
