import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ObjectMissingError } from '../errors.ts';
import type { RestoreSource } from './source.ts';

/** Writes an object, however it was compressed, to a file. False: the archive has none of that name. */
export async function downloadPlain(
  { store, codec }: RestoreSource,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const { key } of store.list(name, { signal })) {
    if (!codec.keysOf(name).includes(key)) continue;
    try {
      const { body } = await store.get(key, { signal });
      await pipeline(codec.decode(store.name, key, body), createWriteStream(path, { mode: 0o600 }));
      return true;
    } catch (error) {
      if (!(error instanceof ObjectMissingError)) throw error;
    }
  }
  return false;
}
