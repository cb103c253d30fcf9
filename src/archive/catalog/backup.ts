import type { Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';

/** Who lays an archive out so: WAL-G and pgwarden, or barman-cloud (CloudNativePG). */
export type ArchiveLayoutKind = 'wal-g' | 'barman-cloud';

/** A tablespace besides the two that every cluster has. */
export interface BackupTablespace {
  readonly oid: string;
  /** Where it was on the machine that was backed up. */
  readonly location: string;
}

/** A whole backup in an archive, of either layout. */
export interface Backup {
  /** `base_<24 hex>` (WAL-G), `20261121T092534` (barman-cloud). */
  readonly id: string;
  readonly layout: ArchiveLayoutKind;
  readonly timeline: TimelineId;
  /** Replay begins here. */
  readonly startLsn: Lsn;
  /** Replay must come at least to here: before, the copy is of no one moment. */
  readonly endLsn: Lsn;
  readonly startedAt: Date;
  /** By the clock of who took it. No time before this one can be a target of this backup. */
  readonly finishedAt: Date;
  /** Null: it is not told. */
  readonly systemIdentifier: string | null;
  /** As `server_version_num`: 150018. 0: it is not told. */
  readonly postgresVersion: number;
  /** Never deleted by retention (WAL-G's IsPermanent). */
  readonly permanent: boolean;
  /** The backup that this one holds only the changes since; null: it is whole. */
  readonly parent: string | null;
  /** In whose format its changes are: pgwarden puts together those that `pg_combinebackup` does; null: it is whole. */
  readonly changes: 'postgres' | 'wal-g' | null;
  readonly tablespaces: readonly BackupTablespace[];
  /** Bytes in the archive, by the listing. */
  readonly storedBytes: number;
  /** Bytes of the files that were backed up; null: it is not told. */
  readonly originalBytes: number | null;
  /** What makes it count: written last, deleted first. */
  readonly sentinelKey: string;
  /** What the keys of all its other objects begin with; ends with `/`. */
  readonly folder: string;
  /** What pgwarden notes beside WAL-G's fields; undefined: nothing. */
  readonly userData: unknown;
}

/** A sentinel that nothing can be made of. Retention leaves it and what may belong to it. */
export interface UnreadableBackup {
  readonly id: string;
  readonly sentinelKey: string;
  readonly why: string;
}

/** Objects of a backup that has no sentinel: one in the making, one that died, or one half deleted. */
export interface UnfinishedBackup {
  readonly id: string;
  readonly folder: string;
  readonly objects: number;
  readonly storedBytes: number;
  /** When the youngest of its objects was written. */
  readonly modifiedAt: Date;
}

/** Everything that an archive has of backups. */
export interface BackupCatalog {
  /** By the end of the backup, the oldest first. */
  readonly backups: readonly Backup[];
  readonly unreadable: readonly UnreadableBackup[];
  readonly unfinished: readonly UnfinishedBackup[];
}
