import type { ArchiveIdentity } from '../identity.ts';
import { segmentBytesOf } from '../restore/segment-bytes.ts';
import type { RestoreSource } from '../restore/source.ts';
import { carryOut, requireOwn } from './carry-out.ts';
import { checkDeletion } from './check-deletion.ts';
import { ForeignLayoutError } from './errors.ts';
import { NOTHING_REMOVED, type RetentionOutcome } from './outcome.ts';
import { type RetentionReport, retentionReport } from './outcome-report.ts';
import { planDeletion, planRetention, type RetentionPolicy } from './plan.ts';
import { readHoldings } from './read-holdings.ts';

/** What is to go: what no rule keeps, or one backup by hand. */
export type RemovalWish =
  | { readonly policy: RetentionPolicy }
  /** `last`: also where it is the last one that can be restored. */
  | { readonly backup: string; readonly last: boolean };

/** Where no segment tells, nothing is removed that has to do with one. */
const ANY_SIZE = 16 * 1024 * 1024;

/**
 * Removes from an archive what a wish names, once it is proven to be `own`'s. In a dry run nothing is removed, and all
 * the same is checked.
 *
 * @throws RetentionError, ArchiveError
 */
export async function removeFromArchive(
  source: RestoreSource,
  own: ArchiveIdentity,
  wish: RemovalWish,
  dryRun: boolean,
  onProgress: (outcome: RetentionOutcome) => void,
  signal: AbortSignal,
): Promise<RetentionReport> {
  if (source.layout.kind !== 'wal-g') throw new ForeignLayoutError(source.store.name);
  await requireOwn(source.store, own, signal);
  const segmentBytes = (await segmentBytesOf(source, signal)) ?? ANY_SIZE;
  const holdings = await readHoldings(source, segmentBytes, own.systemIdentifier, signal);
  if ('backup' in wish) checkDeletion(holdings, wish.backup, wish.last);
  const plan =
    'backup' in wish ? planDeletion(holdings, new Set([wish.backup])) : planRetention(holdings, wish.policy);
  if (dryRun) return retentionReport(plan, holdings.inventory, null);
  const isNothing = plan.remove.length === 0 && plan.leftovers.length === 0 && plan.wal.from === null;
  const removed = isNothing ? NOTHING_REMOVED : await carryOut(source.store, plan, own, onProgress, signal);
  return retentionReport(plan, holdings.inventory, removed);
}
