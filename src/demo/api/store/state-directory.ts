import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptStoreError, ForeignDirectoryError, UnsupportedFormatError } from '../errors.ts';
import { isObject, type JsonValue } from '../json.ts';
import { decodeObjectLine, encodeLine } from './record.ts';

const MARKER = 'pgwarden-embedded-api.json';
const FORMAT = 1;
const OWN = /^(?:pgwarden-embedded-api\.json|(?:snapshot|log)-\d{16}(?:\.tmp)?)$/;

/**
 * The files of a store: a marker that says whose directory it is, one snapshot, and the log of what came after it.
 * Both carry the snapshot's revision in their names. A new pair comes into force with the rename of the snapshot.
 */
export class StateDirectory {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Makes the directory, or checks that it is one of ours, without changing a foreign one.
   * @throws ForeignDirectoryError, UnsupportedFormatError
   */
  static async prepare(path: string): Promise<StateDirectory> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const names = await readdir(path);
    const foreign = names.find((name) => !OWN.test(name));
    if (foreign !== undefined) throw new ForeignDirectoryError(path, foreign);
    const directory = new StateDirectory(path);
    if (names.includes(MARKER)) await directory.#checkMarker();
    else if (names.some((name) => !name.endsWith('.tmp')))
      throw new ForeignDirectoryError(path, names.join(', '));
    return directory;
  }

  /** Says whose directory it is: written once the first snapshot is there. */
  async mark(): Promise<void> {
    await this.#replace(MARKER, `${JSON.stringify({ kind: 'pgwarden embedded API', format: FORMAT })}\n`);
  }

  /** The revision of the newest snapshot; null in a new directory. What an interrupted change left is removed. */
  async newest(): Promise<number | null> {
    const names = await readdir(this.path);
    const revisions = names
      .map((name) => /^snapshot-(\d{16})$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number);
    if (revisions.length === 0) {
      if (names.includes(MARKER)) throw new CorruptStoreError(this.path, 'there is no snapshot');
      return null;
    }
    const newest = Math.max(...revisions);
    await this.#keepOnly(newest);
    return newest;
  }

  logPath(revision: number): string {
    return join(this.path, `log-${digits(revision)}`);
  }

  async readSnapshot(revision: number): Promise<readonly JsonValue[]> {
    const path = join(this.path, `snapshot-${digits(revision)}`);
    const snapshot = decodeObjectLine((await readFile(path, 'utf8')).trimEnd());
    if (snapshot === undefined || !Array.isArray(snapshot.objects)) {
      throw new CorruptStoreError(path, 'it fails its checksum');
    }
    return snapshot.objects;
  }

  /** Puts a snapshot in force. Its log must be on disk before. Older pairs are removed. */
  async writeSnapshot(revision: number, objects: readonly unknown[]): Promise<void> {
    await this.#replace(`snapshot-${digits(revision)}`, encodeLine({ objects }));
    await this.#keepOnly(revision);
  }

  async #checkMarker(): Promise<void> {
    const text = await readFile(join(this.path, MARKER), 'utf8');
    let marker: unknown;
    try {
      marker = JSON.parse(text);
    } catch {
      throw new CorruptStoreError(join(this.path, MARKER), 'it is not JSON');
    }
    const format = isObject(marker) ? marker.format : undefined;
    if (format !== FORMAT) throw new UnsupportedFormatError(this.path, format ?? null, FORMAT);
  }

  async #keepOnly(revision: number): Promise<void> {
    const kept = [MARKER, `snapshot-${digits(revision)}`, `log-${digits(revision)}`];
    for (const name of await readdir(this.path)) {
      if (!kept.includes(name) && OWN.test(name)) await rm(join(this.path, name), { force: true });
    }
  }

  /** Whole or not at all: written beside, synced, renamed, and the directory synced. */
  async #replace(name: string, content: string): Promise<void> {
    const temporary = join(this.path, name === MARKER ? `snapshot-${digits(0)}.tmp` : `${name}.tmp`);
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.path, name));
    const directory = await open(this.path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Padded, so that names sort by revision. */
const digits = (revision: number): string => String(revision).padStart(16, '0');
