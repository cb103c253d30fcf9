import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ToolFailedError } from '../../postgres/errors.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { runTool } from '../../postgres/process/tool.ts';
import type { Backup } from '../catalog/backup.ts';
import { WORK_FOLDER } from './directory.ts';
import { downloadPlain } from './download-plain.ts';
import { DamagedBackupError } from './errors.ts';
import type { RestoreSource } from './source.ts';

/** What became of the check. */
export type ManifestCheck =
  | 'checked'
  /** The backup has no manifest: WAL-G and barman-cloud keep none. */
  | 'none'
  /** pg_verifybackup is not installed. */
  | 'no-program';

/** What is there and in no manifest, or was rewritten for where it is now. */
const LEFT_OUT = [
  WORK_FOLDER,
  'tablespace_map',
  'backup_manifest',
  'pg_wal',
  'recovery.signal',
  'lost+found',
];

/**
 * Compares every file that was unpacked with the manifest of the backup (size and checksum), by pg_verifybackup.
 * Before Postgres changes any of them.
 *
 * @throws DamagedBackupError
 */
export async function checkManifest(
  source: RestoreSource,
  backup: Backup,
  data: string,
  binaries: Binaries | null,
  signal: AbortSignal,
): Promise<ManifestCheck> {
  const inside = join(data, 'backup_manifest');
  const beside = join(data, WORK_FOLDER, 'backup_manifest');
  const path = (await isThere(inside))
    ? inside
    : (await downloadPlain(source, `${backup.folder}backup_manifest`, beside, signal))
      ? beside
      : null;
  if (path === null) return 'none';
  if (binaries === null) return 'no-program';
  const args = [
    '--quiet',
    '--no-parse-wal',
    '--manifest-path',
    path,
    ...LEFT_OUT.flatMap((name) => ['--ignore', name]),
  ];
  try {
    const file = join(binaries.directory, 'pg_verifybackup');
    await runTool({ name: 'pg_verifybackup', file, arguments: [...args, data] }, signal);
    return 'checked';
  } catch (error) {
    if (!(error instanceof ToolFailedError)) throw error;
    throw new DamagedBackupError(backup.id, `it does not match its manifest: ${error.output}`, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
