import type { ArchiveIdentity } from '../archive/identity.ts';
import type { RestoreSource } from '../archive/restore/source.ts';
import { UsageError } from './errors.ts';

/**
 * Whose archive it is, by its own word: without an agent nobody else tells. An archive that does not say is another
 * program's, and is left to that.
 */
export async function identityOfArchive(
  source: RestoreSource,
  signal: AbortSignal,
): Promise<ArchiveIdentity> {
  const { readIdentity } = await import('../archive/identity.ts');
  const identity = await readIdentity(source.store, { signal });
  if (identity !== null) return identity;
  throw new UsageError(
    `${source.store.name} is no archive of pgwarden: it has no pgwarden/identity.json`,
    'remove backups of WAL-G by "wal-g delete", and those of barman-cloud by barman-cloud-backup-delete',
  );
}
