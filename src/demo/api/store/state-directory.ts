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

  /** Says whose directory it is: the first thing that is written. */
  async mark(): Promise<void> {
    await this.#replace(MARKER, `${JSON.stringify({ kind: 'pgwarden embedded API', format: FORMAT })}\n`);
  }

  /**
   * The revision of the snapshot in force; null where the first one has not been written yet.
   * @throws CorruptStoreError: there is a log, but not its snapshot
   */
  async inForce(): Promise<number | null> {
    const names = await readdir(this.path);
    const revisions = (what: string): number[] =>
      names
        .filter((name) => new RegExp(`^${what}-\\d{16}$`).test(name))
        .map((name) => Number(name.slice(-16)));
    const snapshots = revisions('snapshot');
    if (snapshots.length > 0) return Math.max(...snapshots);
    if (revisions('log').some((revision) => revision > 0)) {
      throw new CorruptStoreError(this.path, 'there is a log without its snapshot');
    }
    return null;
  }

  /** Removes what an interrupted change of files has left beside the pair of `revision`. */
  async tidy(revision: number): Promise<void> {
    await this.#keepOnly(revision);
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
