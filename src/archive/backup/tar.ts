import { once } from 'node:events';
import { type Pack, pack } from 'tar-stream';
import { StandIns } from './stand-ins.ts';

/** A file in a tar. */
export interface TarFile {
  /** Below PGDATA. */
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly modifiedAt: Date;
}

/** What a tar is filled with, one entry after the other. */
export interface TarWriter {
  directory(entry: Omit<TarFile, 'size'>): Promise<void>;
  /** `pieces` are exactly `size` bytes. */
  file(entry: TarFile, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** A piece of a file that is compressed already, from so many bytes. */
  packed(length: number, packed: Uint8Array): Uint8Array;
}

type EntryHeader = Parameters<Pack['entry']>[0];

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** A tar as `fill` writes it, no faster than it is read. */
export class TarSource {
  readonly #fill: (tar: TarWriter) => Promise<void>;
  readonly #tar = pack();
  /** Of what comes of `pieces`. */
  readonly standIns = new StandIns();
  #filled: Promise<void> | null = null;
  #isClosed = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(fill: (tar: TarWriter) => Promise<void>) {
    this.#fill = fill;
  }

  /** What `fill` failed with by itself; null: it did not, or only because nobody read on. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  /** The bytes, once. They end with the error of `fill`. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    this.#filled = this.#run();
    try {
      for await (const piece of this.#tar) yield piece as Uint8Array;
    } finally {
      await this.close();
    }
  }

  /** Returns when `fill` has ended, which is told so where it has not. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tar.destroy(new Error('nobody reads the tar any more'));
    await this.#filled;
  }

  async #run(): Promise<void> {
    try {
      await this.#fill(writerInto(this.#tar, this.standIns));
      this.#tar.finalize();
    } catch (error) {
      if (!this.#isClosed) this.#failure = { error };
      this.#tar.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function writerInto(tar: Pack, standIns: StandIns): TarWriter {
  const header = ({ path, mode, modifiedAt }: Omit<TarFile, 'size'>): EntryHeader => ({
    name: path,
    mode,
    mtime: modifiedAt,
    ...owner,
  });
  return {
    packed: (length, packed) => standIns.of(length, packed),
    async directory(entry) {
      await new Promise<void>((resolve, reject) => {
        tar.entry({ ...header(entry), type: 'directory' }, (error) => (error ? reject(error) : resolve()));
      });
    },
    async file(entry, pieces) {
      const done = Promise.withResolvers<void>();
      const sink = tar.entry({ ...header(entry), size: entry.size, type: 'file' }, (error) =>
        error ? done.reject(error) : done.resolve(),
      );
      done.promise.catch(() => undefined);
      sink.on('error', done.reject);
      for await (const piece of pieces) {
        if (sink.write(piece)) continue;
        await Promise.race([once(sink, 'drain'), done.promise]);
      }
      sink.end(() => undefined);
      await done.promise;
    },
  };
}
