import { timelineId } from '../../ha/units.ts';
import type { Backup } from './backup.ts';
import { BackupInfoError, parseBackupInfo } from './backup-info.ts';
import { parseMetadata, parseSentinel } from './sentinel.ts';
import { isIncrementSentinel } from './sentinel-names.ts';

/** Where a backup is, and what the listing says of it. */
export interface BackupPlace {
  readonly id: string;
  readonly sentinelKey: string;
  readonly folder: string;
  readonly storedBytes: number;
  /** When the sentinel was written. */
  readonly writtenAt: Date;
}

/**
 * A backup by WAL-G's sentinel, and its `metadata.json`: versions before 2 have their times in that alone.
 *
 * @throws Error with why it cannot be used
 */
export async function walgBackup(
  { id, sentinelKey, folder, storedBytes, writtenAt }: BackupPlace,
  json: string,
  metadataJson: () => Promise<string | null>,
): Promise<Backup> {
  const sentinel = parseSentinel(json);
  const named = /^base_([0-9A-F]{8})[0-9A-F]{16}(?:_|$)/.exec(id)?.[1];
  const timeline = sentinel.Timeline ?? (named === undefined ? null : Number.parseInt(named, 16));
  if (timeline === null) throw new Error('it tells no timeline');
  if (sentinel.FinishLSN === null) throw new Error('it does not tell where the backup ended (FinishLSN)');
  const beside = await metadataJson();
  const metadata = beside === null ? null : parseMetadata(beside);
  return {
    id,
    layout: 'wal-g',
    timeline: timelineId(timeline),
    startLsn: sentinel.LSN,
    endLsn: sentinel.FinishLSN,
    startedAt: sentinel.StartTime ?? metadata?.start_time ?? writtenAt,
    finishedAt: sentinel.FinishTime ?? metadata?.finish_time ?? writtenAt,
    systemIdentifier: sentinel.SystemIdentifier,
    postgresVersion: sentinel.PgVersion,
    // "wal-g backup-mark" writes this one alone (its GenericMetaSetter).
    permanent: metadata?.is_permanent ?? sentinel.IsPermanent,
    parent: sentinel.DeltaFrom,
    changes: sentinel.DeltaFrom === null ? null : isIncrementSentinel(sentinelKey) ? 'postgres' : 'wal-g',
    tablespaces: (sentinel.Spec?.tablespaces ?? []).map(({ oid, location }) => ({ oid, location })),
    storedBytes,
    originalBytes: sentinel.UncompressedSize > 0 ? sentinel.UncompressedSize : null,
    sentinelKey,
    folder,
    userData: sentinel.UserData,
  };
}

/** A backup by barman's `backup.info`. @throws BackupInfoError */
export function barmanBackup({ id, sentinelKey, folder, storedBytes }: BackupPlace, text: string): Backup {
  const info = parseBackupInfo(text);
  if (info.isSnapshot) throw new BackupInfoError('it is a snapshot of a volume, which is not in the archive');
  return {
    id,
    layout: 'barman-cloud',
    timeline: info.timeline,
    startLsn: info.beginLsn,
    endLsn: info.endLsn,
    startedAt: info.beginTime,
    finishedAt: info.endTime,
    systemIdentifier: info.systemIdentifier,
    postgresVersion: info.postgresVersion,
    permanent: false,
    parent: null,
    changes: null,
    tablespaces: info.tablespaces,
    storedBytes,
    originalBytes: null,
    sentinelKey,
    folder,
    userData: undefined,
  };
}
