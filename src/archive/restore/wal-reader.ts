import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lsn, lsnBytes } from '../../ha/lsn.ts';
import type { Recoverable } from '../catalog/recoverable.ts';
import { restoreTail } from '../tail/restore.ts';
import { downloadWal } from '../wal/download.ts';
import { type Segment, segmentBounds, segmentName } from '../wal/names.ts';
import type { WalSource } from '../wal/source.ts';
import { marksIn, type WalMark } from './wal-dump.ts';

/**
 * Reads what marks WAL of an archive without a server: fetches a segment and the one behind it into a temporary
 * directory and asks pg_waldump. Holds two segments at a time.
 */
export class WalReader implements AsyncDisposable {
  readonly #source: WalSource;
  readonly #segmentBytes: number;
  readonly #binaries: string;
  readonly #directory: string;

  private constructor(source: WalSource, segmentBytes: number, binaries: string, directory: string) {
    this.#source = source;
    this.#segmentBytes = segmentBytes;
    this.#binaries = binaries;
    this.#directory = directory;
  }

  static async open(source: WalSource, segmentBytes: number, binaries: string): Promise<WalReader> {
    const directory = await mkdtemp(join(tmpdir(), 'pgwarden-look-'));
    return new WalReader(source, segmentBytes, binaries, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The numbers of the segments between two LSNs of a way, each with the timeline that recovery takes it from. */
  segments({ path }: Recoverable, from: Lsn, until: Lsn): Segment[] {
    const bytes = this.#segmentBytes;
    const first = Math.floor(lsnBytes(from) / bytes);
    const last = Math.max(first, Math.ceil(lsnBytes(until) / bytes) - 1);
    const found: Segment[] = [];
    for (let number = first; number <= last; number++) {
      const owner = path.findLast(({ begin }) => Math.floor(lsnBytes(begin) / bytes) <= number);
      if (owner !== undefined) found.push({ timeline: owner.timeline, number });
    }
    return found;
  }

  /** The marks of records that begin in a segment. */
  async *marks(segment: Segment, only: 'Transaction' | 'XLOG', signal: AbortSignal): AsyncGenerator<WalMark> {
    const file = segmentName(segment, this.#segmentBytes);
    const next = segmentName({ ...segment, number: segment.number + 1 }, this.#segmentBytes);
    for (const name of await readdir(this.#directory))
      if (name !== file && name !== next) await rm(join(this.#directory, name), { force: true });
    if (!(await this.#bring(file, signal))) return;
    await this.#bring(next, signal);
    const bounds = { file, ...segmentBounds(segment, this.#segmentBytes) };
    yield* marksIn(this.#binaries, this.#directory, bounds, only, signal);
  }

  /** The whole segment, else what the live tail has of it. False: the archive has nothing of it. */
  async #bring(file: string, signal: AbortSignal): Promise<boolean> {
    if ((await readdir(this.#directory)).includes(file)) return true;
    const path = join(this.#directory, file);
    if (await downloadWal(this.#source, file, path, this.#segmentBytes, signal)) return true;
    return await restoreTail(this.#source, file, path, this.#segmentBytes, signal);
  }
}
