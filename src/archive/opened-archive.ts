import type { ClaimNote } from './claim-note.ts';
import { Codec } from './codec/codec.ts';
import type { Compression } from './codec/compression.ts';
import { readKeys } from './codec/encryption-key.ts';
import { ArchiveCancelledError, ArchiveError, StoreUnreachableError } from './errors.ts';
import { type ArchiveIdentity, claimArchive, requireOwn } from './identity.ts';
import { interruption } from './store/interruption.ts';
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

interface Opened {
  readonly archive: WalArchive;
  /** It was claimed and probed: it may be written to. */
  readonly mayWrite: boolean;
  /** The life of the cluster that it was opened in. */
  readonly generation: number;
}

/**
 * The cluster's own archive, opened when it is first needed, and again after it failed: for reading, which writes
 * nothing, or claimed for writing. Whoever asks in between is told the last error, so that a store that is away is not
 * asked by everybody at once.
 */
export class OwnArchive {
  readonly #settings: ArchiveSettings;
  readonly #note: ClaimNote;
  /** Null: not known yet. */
  readonly #identity: () => ArchiveIdentity | null;
  #opening: { readonly mayWrite: boolean; readonly done: Promise<Opened> } | null = null;
  #opened: Opened | null = null;
  #failure: { readonly error: ArchiveError; readonly at: number } | null = null;

  constructor(settings: ArchiveSettings, note: ClaimNote, identity: () => ArchiveIdentity | null) {
    this.#settings = settings;
    this.#note = note;
    this.#identity = identity;
  }

  /** Null: not open for writing. */
  get store(): ObjectStore | null {
    return this.#opened?.mayWrite === true ? this.#opened.archive.store : null;
  }

  /** For writing: claimed, and known how it creates. @throws ArchiveError */
  async open(signal: AbortSignal): Promise<WalArchive> {
    return await this.#get(true, signal);
  }

  /** For reading alone. @throws ArchiveError */
  async openToRead(signal: AbortSignal): Promise<WalArchive> {
    return await this.#get(false, signal);
  }

  /**
   * Looks whether what is open is still this cluster's archive: a bucket may be emptied and a volume unmounted below it.
   * Where it is not, it is closed, and whoever wants it is told why.
   */
  async recheck(signal: AbortSignal): Promise<void> {
    const opened = this.#opened;
    const identity = this.#identity();
    if (opened === null || identity === null) return;
    if (opened.generation !== identity.generation) return this.close();
    try {
      await requireOwn(opened.archive.store, identity, this.#note.path, { signal });
    } catch (error) {
      if (!(error instanceof ArchiveError) || error.transient) throw error;
      this.close();
      this.#failure = { error, at: performance.now() };
      throw error;
    }
  }

  close(): void {
    this.#opened?.archive.store.close();
    this.#opened = null;
  }

  async #get(mayWrite: boolean, signal: AbortSignal): Promise<WalArchive> {
    for (;;) {
      const generation = this.#identity()?.generation;
      if (generation !== undefined && this.#opened !== null && this.#opened.generation !== generation)
        this.close();
      const opened = this.#opened;
      if (opened !== null && (opened.mayWrite || !mayWrite)) return opened.archive;
      const failed = this.#failure;
      if (failed !== null && performance.now() - failed.at < TRY_AGAIN_AFTER) throw failed.error;
      this.#opening ??= {
        mayWrite,
        done: this.#open(mayWrite).finally(() => {
          this.#opening = null;
        }),
      };
      await patiently(this.#opening.done, this.#settings.url, signal);
    }
  }

  async #open(mayWrite: boolean): Promise<Opened> {
    const signal = AbortSignal.timeout(OPEN_WITHIN);
    const { url } = this.#settings;
    let archive = this.#opened?.archive ?? null;
    this.#opened = null;
    try {
      const identity = this.#identity();
      if (identity === null) throw new StoreUnreachableError(url, 'the cluster is not known yet');
      archive ??= await openArchive(this.#settings);
      await archive.store.check({ signal });
      const claimed = (await this.#note.says(url, identity)) ? this.#note.path : null;
      if (mayWrite) await claimArchive(archive.store, identity, claimed, { signal });
      else await requireOwn(archive.store, identity, claimed, { signal });
      // A volume that is full must not keep WAL from the archive.
      await this.#note.write(url, identity).catch(() => undefined);
      this.#failure = null;
      this.#opened = { archive, mayWrite, generation: identity.generation };
      return this.#opened;
    } catch (error) {
      archive?.store.close();
      if (error instanceof ArchiveError) this.#failure = { error, at: performance.now() };
      throw error;
    }
  }
}

/** Waits for what others wait for too, as long as the signal lets it. */
async function patiently<T>(work: Promise<T>, store: string, signal: AbortSignal): Promise<T> {
  const given = Promise.withResolvers<never>();
  const onAbort = (): void =>
    given.reject(
      signal.reason instanceof DOMException
        ? interruption(store, signal.reason)
        : new ArchiveCancelledError(`the opening of ${store}`, signal.reason),
    );
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, given.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
