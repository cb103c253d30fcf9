import { lsnBytes } from '../../ha/lsn.ts';
import type { TimelineId } from '../../ha/units.ts';
import type { Backup, BackupCatalog } from '../catalog/backup.ts';
import { type Hole, holesOn, isRestorable, type Recoverable, recoverableTo } from '../catalog/recoverable.ts';
import { pathTo, presentTimeline, type TimelinePath } from '../catalog/timelines.ts';
import type { WalInventory } from '../catalog/wal-inventory.ts';
import { segmentName } from '../wal/names.ts';
import { error, type Finding, warning } from './findings.ts';

/** What the listings alone tell. */
export interface Continuity {
  readonly findings: readonly Finding[];
  /** The timeline that the cluster is on now; null: none is known. */
  readonly timeline: TimelineId | null;
  /** The way there, from the oldest backup that leads to it; null: none does. */
  readonly way: Recoverable | null;
  readonly holes: readonly Hole[];
}

/**
 * Whether every segment is there, on each timeline that leads to now, from the oldest backup on, and what each backup
 * needs for itself. `systemIdentifier`: null where the archive does not say whose it is.
 */
export function checkContinuity(
  catalog: BackupCatalog,
  inventory: WalInventory,
  systemIdentifier: string | null,
): Continuity {
  const findings: Finding[] = [];
  for (const { id, why } of catalog.unreadable)
    findings.push(error('BACKUP_UNREADABLE', id, `has a sentinel that cannot be read: ${why}`));
  for (const { id, objects, modifiedAt } of catalog.unfinished)
    findings.push(
      warning(
        'BACKUP_LEFTOVER',
        id,
        `has no sentinel, and ${objects} objects, the last of ${modifiedAt.toISOString()}: it is in the making, or was left by one that died`,
      ),
    );
  for (const { timeline, key, why } of inventory.damaged)
    findings.push(error('HISTORY_DAMAGED', key, `does not tell how timeline ${timeline} came to be: ${why}`));
  for (const timeline of inventory.timelines.keys())
    if (pathTo(inventory, timeline) === null && !inventory.damaged.some((one) => one.timeline === timeline))
      findings.push(
        error(
          'HISTORY_MISSING',
          `timeline ${timeline}`,
          'has WAL in the archive, and no history: no restore goes there',
        ),
      );
  for (const key of inventory.unknown)
    findings.push(warning('WAL_UNKNOWN', key, 'is nothing that pgwarden can read'));
  if (catalog.backups.length === 0)
    findings.push(error('NO_BACKUP', 'the archive', 'has no backup: its WAL restores nothing'));
  for (const backup of catalog.backups)
    findings.push(...findingsOf(backup, catalog.backups, inventory, systemIdentifier));
  const timeline = presentTimeline(inventory);
  const path = timeline === null ? null : pathTo(inventory, timeline);
  const way =
    timeline === null
      ? null
      : (catalog.backups
          .map((backup) => recoverableTo(inventory, backup, timeline))
          .find((one) => one !== null) ?? null);
  const holes = way === null || path === null ? [] : holesOn(inventory, path, way.backup.startLsn);
  for (const hole of holes) findings.push(holeFinding(hole, inventory.segmentBytes, path));
  return { findings, timeline, way, holes };
}

function findingsOf(
  backup: Backup,
  all: readonly Backup[],
  inventory: WalInventory,
  systemIdentifier: string | null,
): Finding[] {
  const findings: Finding[] = [];
  const { id, parent } = backup;
  if (
    systemIdentifier !== null &&
    backup.systemIdentifier !== null &&
    backup.systemIdentifier !== systemIdentifier
  )
    findings.push(
      error(
        'BACKUP_OF_ANOTHER_CLUSTER',
        id,
        `is of the system identifier ${backup.systemIdentifier}; the archive is that of ${systemIdentifier}`,
      ),
    );
  if (parent !== null && !all.some((one) => one.id === parent))
    findings.push(
      error('BACKUP_INCREMENT_ORPHANED', id, `holds only the changes since ${parent}, which is gone`),
    );
  const own = recoverableTo(inventory, backup, backup.timeline);
  if (own === null || !isRestorable(own))
    findings.push(
      error(
        'BACKUP_WAL_MISSING',
        id,
        `cannot be restored: WAL that it needs is missing, from ${own?.wal.missing ?? 'its start'} on`,
      ),
    );
  return findings;
}

function holeFinding(
  { timeline, first, last }: Hole,
  segmentBytes: number,
  path: TimelinePath | null,
): Finding {
  const name = (number: number): string => segmentName({ timeline, number }, segmentBytes);
  const count = last - first + 1;
  const which = count === 1 ? name(first) : `${name(first)} to ${name(last)}`;
  const left = path?.find((stretch) => stretch.timeline === timeline)?.end ?? null;
  const upTo =
    left === null || lsnBytes(left) > (last + 1) * segmentBytes ? '' : ` (the timeline was left at ${left})`;
  return error(
    'WAL_HOLE',
    which,
    `${count === 1 ? 'is' : `are ${count} segments that are`} missing while later WAL is there${upTo}: no restore gets across`,
  );
}
