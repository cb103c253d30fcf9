import type { Backup } from '../catalog/backup.ts';
import { parseEncodedName } from '../codec/codec.ts';
import { UnreadableBackupError } from './errors.ts';
import type { RestoreSource } from './source.ts';

/** An object of a backup that is unpacked: a tar. */
export interface BackupPart {
  readonly key: string;
  /** As stored. */
  readonly size: number;
  /** It holds what this tablespace has (its number), with names from there on; null: from the data directory on. */
  readonly tablespace: string | null;
}

/** The tars of a backup, in the order of their keys; the small ones, which make it one that starts, last. */
export async function partsOf(
  { store, layout }: RestoreSource,
  backup: Backup,
  signal: AbortSignal,
): Promise<BackupPart[]> {
  const parts: BackupPart[] = [];
  for await (const { key, size } of store.list(backup.folder, { signal })) {
    const { name } = parseEncodedName(key);
    const file = name.slice(backup.folder.length);
    // Beside its tars, each program keeps notes of its own.
    const extension = /\.tar(?:\.([^/]+))?$/.exec(file);
    if (extension === null) continue;
    if (extension[1] !== undefined) throw strange(backup, extension[1]);
    parts.push({ key, size, tablespace: layout.kind === 'wal-g' ? null : barmanTablespace(file) });
  }
  if (parts.length === 0)
    throw new UnreadableBackupError(backup.id, 'it has no tar', 'Restore another one (--backup).');
  const isSmall = ({ key }: BackupPart): boolean => !/part_\d+\.|data/.test(key.slice(backup.folder.length));
  return [...parts.filter((part) => !isSmall(part)), ...parts.filter(isSmall)];
}

/** barman-cloud: `data.tar`, a tablespace's `<oid>.tar`, and `<either>_NNNN.tar` for what did not fit into one. */
function barmanTablespace(file: string): string | null {
  return /^(\d+)(?:_\d+)?\.tar$/.exec(file)?.[1] ?? null;
}

function strange(backup: Backup, method: string): UnreadableBackupError {
  return new UnreadableBackupError(
    backup.id,
    `its tars are compressed by ${method}; zstd and gzip can be read`,
    'Restore it with the program that made it, or have the next backup compressed by zstd or gzip.',
  );
}
