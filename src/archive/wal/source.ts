import type { Codec } from '../codec/codec.ts';
import { ObjectMissingError } from '../errors.ts';
import { WAL_FOLDER, walName } from '../layout.ts';
import type { ObjectStore, OpenedObject } from '../store/ports.ts';
import { walFileKind } from './names.ts';

/** Where the files of pg_wal are in an archive, as WAL-G and pgwarden lay them out, or as barman-cloud does. */
export interface WalLayout {
  /** What the names of all histories begin with. */
  readonly walFolder: string;
  /** The name of a file, before an extension. */
  nameOf(file: string): string;
}

export const WALG_LAYOUT: WalLayout = { walFolder: WAL_FOLDER, nameOf: walName };

/** Of barman-cloud: `<server>/wals/<first 16 digits>/<file>`; histories lie right in `wals` (its xlog.hash_dir). */
export function barmanLayout(server: string): WalLayout {
  return {
    walFolder: `${server}/wals/`,
    nameOf: (file) =>
      walFileKind(file) === 'history'
        ? `${server}/wals/${file}`
        : `${server}/wals/${file.slice(0, 16)}/${file}`,
  };
}

/** An archive to read WAL from. */
export interface WalSource {
  readonly store: ObjectStore;
  readonly codec: Codec;
  readonly layout: WalLayout;
}

/** A file of the archive, about to be read. */
export interface OpenedWal {
  readonly key: string;
  readonly opened: OpenedObject;
}

/** Opens a file of WAL however it was compressed; null: the archive says that it has none. */
export async function openWal(
  { store, codec, layout }: WalSource,
  file: string,
  signal: AbortSignal,
): Promise<OpenedWal | null> {
  const name = layout.nameOf(file);
  const own = codec.keyOf(name);
  const opened = await open(store, own, signal);
  if (opened !== null) return { key: own, opened };
  const key = await store.firstOf(codec.keysOf(name), { signal });
  if (key === null) return null;
  const other = await open(store, key, signal);
  return other === null ? null : { key, opened: other };
}

async function open(store: ObjectStore, key: string, signal: AbortSignal): Promise<OpenedObject | null> {
  try {
    return await store.get(key, { signal });
  } catch (error) {
    if (error instanceof ObjectMissingError) return null;
    throw error;
  }
}
