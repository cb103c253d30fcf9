import { Codec } from './codec/codec.ts';
import type { Compression } from './codec/compression.ts';
import { readKeys } from './codec/encryption-key.ts';
import { ArchiveError, StoreUnreachableError } from './errors.ts';
import { type ArchiveIdentity, claimArchive } from './identity.ts';
import { openStore } from './store/open.ts';
import type { ObjectStore } from './store/ports.ts';
import type { S3Settings } from './store/s3/client.ts';
import type { WalArchive } from './wal/push-file.ts';

/** Where an archive is and how it is written. */
export interface ArchiveSettings {
  readonly url: string;
  readonly s3: S3Settings;
  readonly compression: Compression;
  /** Null: nothing is encrypted by pgwarden. */
  readonly keyFile: string | null;
}

/** Milliseconds. */
const OPEN_WITHIN = 30_000;
const TRY_AGAIN_AFTER = 2_000;

/** Opens store and codec. Nothing is asked of the store. @throws ArchiveError */
export async function openArchive(settings: ArchiveSettings): Promise<WalArchive> {
  const keys = settings.keyFile === null ? null : await readKeys(settings.keyFile);
  return { store: await openStore(settings.url, settings.s3), codec: new Codec(settings.compression, keys) };
}

/**
 * The cluster's own archive, opened and claimed when it is first needed, and again after it failed. Whoever asks in
 * between is told the last error, so that a store that is away is not asked by everybody at once.
 */
export class OwnArchive {
  readonly #settings: ArchiveSettings;
  /** Null: not known yet. */
  readonly #identity: () => ArchiveIdentity | null;
  #opening: Promise<WalArchive> | null = null;
  #opened: WalArchive | null = null;
  #failure: { readonly error: ArchiveError; readonly at: number } | null = null;

  constructor(settings: ArchiveSettings, identity: () => ArchiveIdentity | null) {
    this.#settings = settings;
    this.#identity = identity;
  }

  /** Null: not open. */
  get store(): ObjectStore | null {
    return this.#opened?.store ?? null;
  }

  /** Why it could not be opened; null: it is open, or nobody has needed it. */
  get failure(): ArchiveError | null {
    return this.#failure?.error ?? null;
  }

  /** @throws ArchiveError */
  async open(): Promise<WalArchive> {
    if (this.#opened !== null) return this.#opened;
    const failed = this.#failure;
    if (failed !== null && performance.now() - failed.at < TRY_AGAIN_AFTER) throw failed.error;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return await this.#opening;
  }

  close(): void {
    this.#opened?.store.close();
    this.#opened = null;
  }

  async #open(): Promise<WalArchive> {
    const signal = AbortSignal.timeout(OPEN_WITHIN);
    let archive: WalArchive | null = null;
    try {
      const identity = this.#identity();
      if (identity === null)
        throw new StoreUnreachableError(this.#settings.url, 'the cluster is not known yet');
      archive = await openArchive(this.#settings);
      await archive.store.check({ signal });
      await claimArchive(archive.store, identity, { signal });
      this.#failure = null;
      this.#opened = archive;
      return archive;
    } catch (error) {
      archive?.store.close();
      if (error instanceof ArchiveError) this.#failure = { error, at: performance.now() };
      throw error;
    }
  }
}
