import { isRestorable, recoverableTo } from '../catalog/recoverable.ts';
import { knownTimelines } from '../catalog/timelines.ts';
import { BackupNeededError, LastBackupError, PermanentBackupError, UnknownBackupError } from './errors.ts';
import type { Holdings } from './plan.ts';

/**
 * Refuses to delete a backup by hand where that is hardly meant. `last`: the last one that can be restored may go.
 *
 * @throws RetentionError
 */
export function checkDeletion({ catalog, inventory }: Holdings, id: string, last: boolean): void {
  const backup = catalog.backups.find((one) => one.id === id);
  if (backup === undefined)
    throw new UnknownBackupError(
      id,
      catalog.backups.map((one) => one.id),
    );
  if (backup.permanent) throw new PermanentBackupError(id);
  const children = catalog.backups.filter(({ parent }) => parent === id);
  if (children.length > 0)
    throw new BackupNeededError(
      id,
      children.map((one) => one.id),
    );
  const timelines = knownTimelines(inventory);
  const canBeRestored = (one: typeof backup): boolean =>
    [one.timeline, ...timelines].some((timeline) => {
      const way = recoverableTo(inventory, one, timeline);
      return way !== null && isRestorable(way);
    });
  const others = catalog.backups.filter((one) => one.id !== id);
  if (!last && canBeRestored(backup) && !others.some(canBeRestored)) throw new LastBackupError(id);
}
