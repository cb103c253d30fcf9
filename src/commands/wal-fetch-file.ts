import { rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { archiveSettings } from '../agent/archive/settings.ts';
import { ArchiveError, ObjectMissingError } from '../archive/errors.ts';
import { segmentBytesOf } from '../archive/restore/segment-bytes.ts';
import { openRestoreSource, type RestoreSource } from '../archive/restore/source.ts';
import { restoreTail } from '../archive/tail/restore.ts';
import { downloadWal } from '../archive/wal/download.ts';
import { walFileKind } from '../archive/wal/names.ts';
import { readArchiveSection, type SettingsOrigins } from './archive-section.ts';

/** How long a store may fail, and how long is waited between tries, in milliseconds. */
const WITHIN = 600_000;
const PAUSE = 2_000;

/**
 * Brings one file of WAL to `path`, whole or not at all. A store that fails is asked again for ten minutes.
 *
 * @returns false: the archive has none
 * @throws ArchiveError
 */
export async function fetchFile(
  file: string,
  path: string,
  url: string,
  settings: SettingsOrigins,
  say: (text: string) => void,
): Promise<boolean> {
  if (walFileKind(file) === null) return false;
  const signal = AbortSignal.timeout(WITHIN);
  const section = await readArchiveSection(settings);
  const temporary = `${path}.pgwarden`;
  try {
    for (;;) {
      try {
        return await once(file, path, temporary, archiveSettings({ ...section, url }), signal);
      } catch (error) {
        if (!(error instanceof ArchiveError) || !error.transient || signal.aborted) throw error;
        say(`${error.message}; it is asked again`);
        await sleep(PAUSE);
      }
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

async function once(
  file: string,
  path: string,
  temporary: string,
  settings: Parameters<typeof openRestoreSource>[0],
  signal: AbortSignal,
): Promise<boolean> {
  const source = await openRestoreSource(settings, signal);
  try {
    const found =
      (await downloadWal(source, file, temporary, null, signal)) ||
      (await fromTail(source, file, temporary, signal));
    if (found) await rename(temporary, path);
    return found;
  } finally {
    source.store.close();
  }
}

async function fromTail(
  source: RestoreSource,
  file: string,
  temporary: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (source.layout.kind !== 'wal-g' || walFileKind(file) !== 'segment') return false;
  const segmentBytes = await segmentBytesOf(source, signal);
  if (segmentBytes === null) return false;
  try {
    return await restoreTail(source, file, temporary, segmentBytes, signal);
  } catch (error) {
    // A piece went while it was read: the segment has come.
    if (!(error instanceof ObjectMissingError)) throw error;
    return await downloadWal(source, file, temporary, segmentBytes, signal);
  }
}
