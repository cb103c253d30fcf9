import { lsnBytes } from '../../ha/lsn.ts';
import { type CatalogSource, listBackups } from '../catalog/list-backups.ts';
import { takeWalInventory } from '../catalog/wal-inventory.ts';
import type { Codec } from '../codec/codec.ts';
import { readIdentity } from '../identity.ts';
import { UnknownBackupError } from '../retention/errors.ts';
import { type CheckedBackup, checkBackup } from './check-backup.ts';
import { checkContinuity } from './check-continuity.ts';
import { checkWal } from './check-wal.ts';
import type { Finding } from './findings.ts';

/** How closely is looked. */
export interface VerifyDepth {
  /** Read every part of the backups; else names and sizes are compared. */
  readonly backups: boolean;
  /** Read every segment from the oldest backup on; else it is enough that it is there. */
  readonly wal: boolean;
  /** Only this backup; null: all. Continuity is checked anyway. */
  readonly only: string | null;
  /** Objects at once. */
  readonly parallel: number;
}

export interface VerifyReport {
  readonly archive: string;
  /** No error was found. */
  readonly ok: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly timeline: number | null;
  /** From the oldest backup's start; null: there is none that leads to now. */
  readonly from: string | null;
  /** WAL is there to here without a hole. */
  readonly until: string | null;
  readonly segments: number;
  readonly segmentsRead: number;
  readonly readBytes: number;
  readonly backups: readonly CheckedBackup[];
  /** Errors first. */
  readonly findings: readonly Finding[];
}

/** How far a verification is: stored bytes of `total`, where contents are read. */
export interface VerifyProgress {
  readonly detail: string;
  readonly readBytes: number;
  readonly totalBytes: number | null;
}

/**
 * Proves that an archive can be restored from, as far as that goes without restoring: continuity of WAL, presence and
 * contents of parts, sentinel against manifest. Reads only.
 *
 * @throws ArchiveError where the store fails; UnknownBackupError
 */
export async function verify(
  source: CatalogSource & { readonly codec: Codec },
  segmentBytes: number,
  depth: VerifyDepth,
  report: (progress: VerifyProgress) => void,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const startedAt = new Date();
  report({ detail: 'listing', readBytes: 0, totalBytes: null });
  const identity = await readIdentity(source.store, { signal });
  const catalog = await listBackups(source, signal);
  const inventory = await takeWalInventory(source, segmentBytes, signal);
  const systemIdentifier = identity?.systemIdentifier ?? catalog.backups.at(-1)?.systemIdentifier ?? null;
  const continuity = checkContinuity(catalog, inventory, systemIdentifier);
  const findings: Finding[] = [...continuity.findings];
  const chosen = catalog.backups.filter(({ id }) => depth.only === null || id === depth.only);
  if (depth.only !== null && chosen.length === 0)
    throw new UnknownBackupError(
      depth.only,
      catalog.backups.map(({ id }) => id),
    );
  const totalBytes = depth.backups ? chosen.reduce((sum, { storedBytes }) => sum + storedBytes, 0) : null;
  let readBytes = 0;
  const backups: CheckedBackup[] = [];
  for (const backup of chosen) {
    const tell = (bytes: number): void => {
      readBytes += bytes;
      report({ detail: backup.id, readBytes, totalBytes });
    };
    const options = { contents: depth.backups, parallel: depth.parallel, onBytes: tell };
    const checked = await checkBackup(source, backup, options, signal);
    backups.push(checked);
    findings.push(...checked.findings);
  }
  const wal = depth.wal
    ? await checkWal(
        source,
        segmentBytes,
        Math.min(...catalog.backups.map(({ startLsn }) => Math.floor(lsnBytes(startLsn) / segmentBytes))),
        {
          parallel: depth.parallel,
          onBytes: (bytes) => {
            readBytes += bytes;
            report({ detail: 'WAL', readBytes, totalBytes: null });
          },
        },
        signal,
      )
    : null;
  findings.push(...(wal?.findings ?? []));
  const segments = [...inventory.timelines.values()].reduce((sum, one) => sum + one.segments.count, 0);
  return {
    archive: source.store.name,
    ok: !findings.some(({ severity }) => severity === 'error'),
    startedAt,
    endedAt: new Date(),
    timeline: continuity.timeline,
    from: continuity.way?.backup.startLsn ?? null,
    until: continuity.way?.until ?? null,
    segments,
    segmentsRead: wal?.segments ?? 0,
    readBytes,
    backups,
    findings: findings.sort((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning')),
  };
}
