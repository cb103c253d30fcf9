import { mkdir, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runTool } from '../../postgres/process/tool.ts';
import type { Backup } from '../catalog/backup.ts';
import { inParallel } from '../catalog/in-parallel.ts';
import { type ArchiveError, ObjectDamagedError } from '../errors.ts';
import { type RestoreNote, writeNote } from './directory.ts';
import type { Places } from './entry-place.ts';
import { DamagedBackupError } from './errors.ts';
import type { BackupPart } from './parts.ts';
import { Pace, type ReportRestore } from './progress.ts';
import type { RestoreSource } from './source.ts';
import { steadyBody } from './steady-body.ts';
import { StrangeTarError, unpack } from './unpack.ts';

export interface FetchBackupOptions {
  readonly source: RestoreSource;
  readonly backup: Backup;
  readonly parts: readonly BackupPart[];
  readonly places: Places;
  /** What an earlier run noted: its parts are left out. Written on as parts are done. */
  readonly note: RestoreNote;
  /** The data directory whose note it is. */
  readonly noted: string;
  /** How many parts are on their way at once. */
  readonly parallel: number;
  readonly report: ReportRestore;
  /** The store fails, and is asked again. */
  onWaiting(what: string, error: ArchiveError): void;
}

/** How often the progress is told, in milliseconds. */
const REPORT_EVERY = 250;

/**
 * Downloads and unpacks the tars of a backup, several at a time, none of them ever whole in memory. A part counts as
 * done when its files are on the disk. What would let Postgres start is held back (`entry-place.ts`).
 *
 * @throws DamagedBackupError, ArchiveError
 */
export async function fetchBackup(options: FetchBackupOptions, signal: AbortSignal): Promise<RestoreNote> {
  const { source, backup, parts, places, parallel, report } = options;
  let { note } = options;
  await makeTablespaces(places);
  await mkdir(places.held, { recursive: true, mode: 0o700 });
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const pace = new Pace();
  let reportedAt = Number.NEGATIVE_INFINITY;
  const tell = (detail: string, anyway = false): void => {
    const now = performance.now();
    if (!anyway && now - reportedAt < REPORT_EVERY) return;
    reportedAt = now;
    report({ phase: 'unpacking', done, total, ...pace.at(now, done, total), detail });
  };
  const before = new Set(note.parts);
  const missing = parts.filter(({ key }) => !before.has(key));
  done = total - missing.reduce((sum, { size }) => sum + size, 0);
  tell(backup.id, true);
  const ended = new AbortController();
  const all = AbortSignal.any([signal, ended.signal]);
  // One after the other: each writes the whole note.
  let noting: Promise<void> = Promise.resolve();
  try {
    await inParallel(missing, parallel, async (part) => {
      const name = basename(part.key);
      try {
        await fetchPart(source, part, places, all, {
          onBytes: (bytes) => {
            done += bytes;
            tell(name);
          },
          onWaiting: (error) => {
            options.onWaiting(name, error);
            tell(`waits for the store: ${error.message}`, true);
          },
        });
        await syncAll(places, all);
      } catch (error) {
        // The others end at once, rather than with what they are at.
        ended.abort(error);
        throw damaged(backup, name, error);
      }
      noting = noting.then(async () => {
        note = { ...note, parts: [...note.parts, part.key] };
        await writeNote(options.noted, note);
      });
      await noting;
    });
  } catch (error) {
    signal.throwIfAborted();
    throw ended.signal.reason === undefined ? error : damaged(backup, 'a part', ended.signal.reason);
  }
  tell(backup.id, true);
  return note;
}

async function fetchPart(
  { store, codec }: RestoreSource,
  part: BackupPart,
  places: Places,
  signal: AbortSignal,
  told: { onBytes(bytes: number): void; onWaiting(error: ArchiveError): void },
): Promise<void> {
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of steadyBody(store, part.key, told.onWaiting, signal)) {
      told.onBytes(piece.length);
      yield piece;
    }
  }
  const original = codec.decode(store.name, part.key, counted());
  await unpack(original, { places, tablespace: part.tablespace, signal });
}

function damaged(backup: Backup, part: string, error: unknown): unknown {
  if (error instanceof StrangeTarError)
    return new DamagedBackupError(backup.id, `${part}: ${error.message}`, error);
  if (error instanceof ObjectDamagedError) return new DamagedBackupError(backup.id, error.message, error);
  // tar-stream's own words, which have no class.
  if (error instanceof Error && /tar|Unexpected end of data/i.test(error.message) && !('code' in error))
    return new DamagedBackupError(backup.id, `${part} is no whole tar (${error.message})`, error);
  return error;
}

/** The directories of the tablespaces, and the links to them that Postgres follows. */
async function makeTablespaces({ data, tablespaces }: Places): Promise<void> {
  if (tablespaces.size === 0) return;
  await mkdir(join(data, 'pg_tblspc'), { recursive: true, mode: 0o700 });
  for (const [oid, place] of tablespaces) {
    await mkdir(place, { recursive: true, mode: 0o700 });
    const link = join(data, 'pg_tblspc', oid);
    if ((await stat(link).catch(() => null)) === null) await symlink(place, link);
  }
}

/** All files to the disk at once: a fsync each of a million files would take longer than the download. */
export async function syncAll({ data, tablespaces }: Places, signal: AbortSignal): Promise<void> {
  const paths = [data, ...tablespaces.values()];
  await runTool({ name: 'sync', file: 'sync', arguments: ['--file-system', ...paths] }, signal);
}
