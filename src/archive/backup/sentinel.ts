import type { Lsn } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import { writeMetadata, writeSentinel } from '../catalog/sentinel.ts';
import type { WalArchive } from '../wal/push-file.ts';
import { BackupNameTakenError } from './errors.ts';
import type { BackupLock } from './lock.ts';
import { metadataKey, sentinelKey } from './names.ts';
import type { Parent } from './parent.ts';
import type { ClusterFacts, StartPoint, StopPoint } from './session.ts';
import type { StoredTar } from './upload.ts';
import type { Tablespace } from './walk.ts';

/** A backup that is in the archive. */
export interface WrittenBackup {
  readonly name: string;
  readonly member: string;
  readonly timeline: TimelineId;
  readonly startLsn: Lsn;
  readonly stopLsn: Lsn;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  /** Of the files. */
  readonly dataBytes: number;
  readonly storedBytes: number;
  readonly files: number;
  /** The backup that it holds only the changes since; null: it is whole. */
  readonly parent: string | null;
}

export interface SentinelOptions {
  readonly archive: WalArchive;
  readonly name: string;
  readonly member: string;
  readonly facts: ClusterFacts;
  readonly start: StartPoint;
  readonly stop: StopPoint;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly tablespaces: readonly Tablespace[];
  readonly tars: readonly StoredTar[];
  readonly checksumsVerified: boolean;
  readonly files: number;
  readonly dataBytes: number;
  /** What it holds the changes since; null: it is whole. */
  readonly parent: Parent | null;
}

/** What pgwarden notes in WAL-G's `UserData`: what `verify` holds the objects against. */
export interface PgwardenData {
  readonly pgwarden: {
    readonly format: 1;
    readonly member: string;
    readonly fromStandby: boolean;
    readonly checksumsVerified: boolean;
    readonly files: number;
    /** Of the stored bytes, by the name of the object below `tar_partitions/`. */
    readonly tars: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
  };
}

/**
 * Makes the backup count: `metadata.json`, then the sentinel, once no other holds the lock.
 *
 * @throws BackupLockLostError, BackupNameTakenError, ArchiveError
 */
export async function writeSentinelLast(
  options: SentinelOptions,
  lock: BackupLock,
  signal: AbortSignal,
): Promise<WrittenBackup> {
  const { archive, name, member, facts, start, stop, startedAt, finishedAt, dataBytes, parent } = options;
  const tarBytes = options.tars.reduce((sum, tar) => sum + tar.tarBytes, 0);
  const storedBytes = options.tars.reduce((sum, tar) => sum + tar.storedBytes, 0);
  const userData: PgwardenData = {
    pgwarden: {
      format: 1,
      member,
      fromStandby: facts.inRecovery,
      checksumsVerified: options.checksumsVerified,
      files: options.files,
      tars: Object.fromEntries(
        options.tars.map(({ key, storedBytes: size, sha256 }) => [
          key.slice(key.lastIndexOf('/') + 1),
          { size, sha256 },
        ]),
      ),
    },
  };
  const metadata = writeMetadata({
    start_time: startedAt,
    finish_time: finishedAt,
    hostname: member,
    data_dir: facts.dataDirectory,
    pg_version: facts.version,
    start_lsn: start.lsn,
    finish_lsn: stop.lsn,
    is_permanent: false,
    system_identifier: facts.systemIdentifier,
    timeline: start.timeline,
    uncompressed_size: tarBytes,
    compressed_size: storedBytes,
    user_data: undefined,
  });
  const sentinel = writeSentinel({
    LSN: start.lsn,
    Timeline: start.timeline,
    DeltaLSN: parent?.backup.startLsn ?? null,
    DeltaFrom: parent?.backup.id ?? null,
    DeltaFullName: parent?.root.id ?? null,
    DeltaCount: parent === null ? null : parent.depth + 1,
    PgVersion: facts.version,
    FinishLSN: stop.lsn,
    SystemIdentifier: facts.systemIdentifier,
    UncompressedSize: tarBytes,
    CompressedSize: storedBytes,
    DataCatalogSize: dataBytes,
    Spec:
      options.tablespaces.length === 0
        ? null
        : {
            basePrefix: facts.dataDirectory,
            tablespaces: options.tablespaces.map(({ oid, location }) => ({
              oid,
              location,
              link: `pg_tblspc/${oid}`,
            })),
          },
    UserData: userData,
    // WAL-G's list of every file with its time is only for its own increments.
    FilesMetadataDisabled: true,
    Version: 2,
    StartTime: startedAt,
    FinishTime: finishedAt,
    Hostname: member,
    DataDir: facts.dataDirectory,
    IsPermanent: false,
  });
  await archive.store.put(metadataKey(name), Buffer.from(metadata), { signal });
  await lock.confirm(signal);
  const key = sentinelKey(name, parent === null ? 'whole' : 'increment');
  const made = await archive.store.create(key, Buffer.from(sentinel), { signal });
  if (made === 'exists') throw new BackupNameTakenError(name);
  return {
    name,
    member,
    timeline: start.timeline,
    startLsn: start.lsn,
    stopLsn: stop.lsn,
    startedAt,
    finishedAt,
    dataBytes,
    storedBytes,
    files: options.files,
    parent: parent?.backup.id ?? null,
  };
}
