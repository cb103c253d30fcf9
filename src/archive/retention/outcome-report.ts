import type { WalInventory } from '../catalog/wal-inventory.ts';
import type { RetentionOutcome } from './outcome.ts';
import type { KeptBecause, RetentionPlan } from './plan.ts';
import { spareSegments } from './wal-to-keep.ts';

/** What retention did, or would do: plain JSON. */
export interface RetentionReport {
  readonly dryRun: boolean;
  readonly keep: readonly {
    readonly id: string;
    readonly because: KeptBecause;
    readonly finishedAt: string;
  }[];
  readonly remove: readonly {
    readonly id: string;
    readonly finishedAt: string;
    readonly storedBytes: number;
  }[];
  /** Of backups without a sentinel. */
  readonly leftovers: readonly string[];
  readonly segments: readonly { readonly timeline: number; readonly segments: number }[];
  readonly remarks: readonly string[];
  /** What went; null in a dry run. */
  readonly removed: RetentionOutcome | null;
}

export function retentionReport(
  plan: RetentionPlan,
  inventory: WalInventory,
  removed: RetentionOutcome | null,
): RetentionReport {
  return {
    dryRun: removed === null,
    keep: plan.keep.map(({ backup, because }) => ({
      id: backup.id,
      because,
      finishedAt: backup.finishedAt.toISOString(),
    })),
    remove: plan.remove.map(({ id, finishedAt, storedBytes }) => ({
      id,
      finishedAt: finishedAt.toISOString(),
      storedBytes,
    })),
    leftovers: plan.leftovers.map(({ id }) => id),
    segments: spareSegments(inventory, plan.wal),
    remarks: plan.remarks,
    removed,
  };
}
