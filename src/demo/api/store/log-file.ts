import { type FileHandle, open } from 'node:fs/promises';
import { CorruptStoreError, StoreWriteError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { decodeObjectLine } from './record.ts';

/** An append-only file of checksummed lines. One writer; `append` is not called again before it has returned. */
export class LogFile {
  readonly #path: string;
  readonly #file: FileHandle;
  #size: number;
  #broken = false;

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
  }

  /** A new, empty log, on disk when this returns (but for its directory's entry). */
  static async create(path: string): Promise<LogFile> {
    const file = await open(path, 'w', 0o600);
    await file.sync();
    return new LogFile(path, file, 0);
  }

  /**
   * Opens a log and hands each record to `apply`. A last line that was not written whole is what a killed process
   * leaves; nobody was told that it had happened: it is cut off.
   * @throws CorruptStoreError for a bad line that is followed by others.
   */
  static async recover(path: string, apply: (record: Record<string, JsonValue>) => void): Promise<LogFile> {
    const file = await open(path, 'r+', 0o600);
    try {
      const bytes = await file.readFile();
      let start = 0;
      while (start < bytes.length) {
        const end = bytes.indexOf(0x0a, start);
        const record = end === -1 ? undefined : decodeObjectLine(bytes.toString('utf8', start, end));
        if (record === undefined) {
          if (end !== -1 && hasGoodLine(bytes, end + 1)) {
            throw new CorruptStoreError(path, `the line at byte ${start} fails its checksum`);
          }
          break;
        }
        apply(record);
        start = end + 1;
      }
      if (start < bytes.length) {
        await file.truncate(start);
        await file.datasync();
      }
      return new LogFile(path, file, start);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** No further append can succeed: what is on disk is no longer known. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Writes `lines` at the end and waits until they are on disk.
   * @throws StoreWriteError; after it the file is as it was before, or `broken`.
   */
  async append(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    let synced = false;
    try {
      let written = 0;
      while (written < bytes.length) {
        const step = await this.#file.write(bytes, written, bytes.length - written, this.#size + written);
        written += step.bytesWritten;
      }
      synced = true;
      await this.#file.datasync();
      this.#size += bytes.length;
    } catch (error) {
      // After a failed sync the kernel may have dropped the pages: nobody can say what a reader will see.
      this.#broken = synced || !(await this.#cutBack());
      throw new StoreWriteError(this.#path, error as Error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #cutBack(): Promise<boolean> {
    try {
      await this.#file.truncate(this.#size);
      await this.#file.datasync();
      return true;
    } catch {
      return false; // Told by `broken`; the error that led here is the one to report.
    }
  }
}

function hasGoodLine(bytes: Buffer, from: number): boolean {
  let start = from;
  for (let end = bytes.indexOf(0x0a, start); end !== -1; end = bytes.indexOf(0x0a, start)) {
    if (decodeObjectLine(bytes.toString('utf8', start, end)) !== undefined) return true;
    start = end + 1;
  }
  return false;
}
