import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackedBytes } from '../../archive/catalog/chain.ts';
import { majorOf, planRestore, type RestorePlan } from '../../archive/restore/plan.ts';
import { openRestoreSource } from '../../archive/restore/source.ts';
import { describeTarget, isFurther, type TimelineChoice } from '../../archive/restore/target.ts';
import type { Configuration } from '../../config/configuration.ts';
import type { ClusterRecord, RecoveryGoal, RecoveryOperation } from '../../ha/record.ts';
import type { RecoveryRequest } from '../../http/routes-recovery.ts';
import type { Binaries } from '../../postgres/find-binaries.ts';
import { archiveSettings } from '../archive/settings.ts';
import { openForBackup } from '../backup/archive.ts';
import {
  HasTablespacesError,
  InvalidGoalError,
  NoArchiveToRecoverFromError,
  NoRoomError,
  NoSuchMajorError,
  NotFurtherError,
  OtherSystemError,
} from './errors.ts';
import { goalTarget } from './goal.ts';

export interface PlanParts {
  readonly configuration: Configuration;
  readonly binaries: Binaries;
}

/** WAL to replay beside the backup: two segments more than a restore keeps ahead. */
const WAL_ROOM = 16 * 1024 * 1024 * 16;

/**
 * Proves, by reading alone, that the cluster's own archive leads to the target, and that this member can recover to it.
 *
 * @throws OutOfReachError with what can be reached, and whatever else stands in the way
 */
export async function planRecovery(
  { configuration, binaries }: PlanParts,
  record: ClusterRecord,
  request: RecoveryRequest,
  signal: AbortSignal,
): Promise<{ readonly plan: RestorePlan; readonly target: string }> {
  const { archive, volume } = configuration;
  const target = goalTarget(request.goal);
  const timeline = timelineChoice(request.timeline);
  if ((await readdir(join(volume, 'data', 'pg_tblspc'))).length > 0) throw new HasTablespacesError();
  const settings = archiveSettings(archive);
  const { clusterUID, generation, systemIdentifier } = record;
  const own = { clusterUID, generation, systemIdentifier };
  (await openForBackup(settings, own, { mayWrite: false, waits: true }, signal)).store.close();
  const source = await openRestoreSource(settings, signal);
  try {
    const wish = { target, timeline, backup: request.backup, binDirectory: binaries.directory };
    const plan = await planRestore(source, wish, () => undefined, signal);
    const { backup } = plan;
    if (backup.systemIdentifier !== null && backup.systemIdentifier !== systemIdentifier)
      throw new OtherSystemError(backup.id, backup.systemIdentifier, systemIdentifier);
    if (backup.tablespaces.length > 0) throw new HasTablespacesError();
    const major = majorOf(backup);
    if (major !== null && major !== binaries.major) throw new NoSuchMajorError(major, binaries.major);
    const { bavail, bsize } = await statfs(volume);
    const needed = (unpackedBytes(plan.chain) ?? 2 * backup.storedBytes) + WAL_ROOM;
    if (bavail * bsize < needed) throw new NoRoomError(volume, needed, bavail * bsize);
    return { plan, target: describeTarget(target) };
  } finally {
    source.store.close();
  }
}

/**
 * Proves, by reading alone, that a recovery that stands at its goal can go on from there to another.
 *
 * @throws NoArchiveToRecoverFromError, NotFurtherError, OutOfReachError, and whatever else stands in the way
 */
export async function planFurther(
  { configuration, binaries }: PlanParts,
  { goal, timeline, backup }: RecoveryOperation,
  further: RecoveryGoal,
  signal: AbortSignal,
): Promise<void> {
  if (configuration.archive.url === null) throw new NoArchiveToRecoverFromError();
  const target = goalTarget(further);
  if (further.kind === 'latest' || !isFurther(goalTarget(goal), target)) throw new NotFurtherError();
  const source = await openRestoreSource(archiveSettings(configuration.archive), signal);
  try {
    const wish = { target, timeline, backup, binDirectory: binaries.directory };
    await planRestore(source, wish, () => undefined, signal);
  } finally {
    source.store.close();
  }
}

function timelineChoice(text: string): TimelineChoice {
  if (text === 'latest' || text === 'current') return text;
  if (/^[1-9]\d{0,9}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new InvalidGoalError('timeline', text, 'latest, current, or a number such as 3');
}
