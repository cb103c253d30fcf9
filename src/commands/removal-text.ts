import type { RetentionReport } from '../archive/retention/outcome-report.ts';
import { seconds } from './backup-list.ts';
import { formatBytes } from './output/quantity.ts';

const REASONS: Readonly<Record<RetentionReport['keep'][number]['because'], string>> = {
  window: 'in the window',
  'before-window': 'the beginning of the window is restored from it',
  count: 'one of the newest',
  younger: 'younger than one that is kept',
  permanent: 'marked permanent',
  parent: 'a kept one is an increment of it',
  foreign: "another cluster's",
  'no-rule': 'stays',
};

/** What goes and what stays, for people. */
export function removalText({
  dryRun,
  keep,
  remove,
  leftovers,
  segments,
  remarks,
  removed,
}: RetentionReport): string {
  const verb = dryRun ? 'would remove' : 'removed';
  const count = segments.reduce((sum, one) => sum + one.segments, 0);
  const lines = [
    ...remove.map(
      ({ id, finishedAt, storedBytes }) =>
        `${verb} ${id} of ${seconds(finishedAt)} (${formatBytes(storedBytes)})`,
    ),
    ...leftovers.map((id) => `${verb} what is left of ${id}, which was never finished`),
    ...(removed === null
      ? count === 0
        ? []
        : [`${verb} ${count} segments of WAL`]
      : removed.walObjects === 0
        ? []
        : [`${verb} ${removed.walObjects} files of WAL`]),
    ...(removed === null ? [] : [`freed ${formatBytes(removed.bytes)}`]),
  ];
  if (remove.length === 0 && leftovers.length === 0 && count === 0 && (removed?.walObjects ?? 0) === 0)
    lines.splice(0, lines.length, 'nothing is to be removed');
  return [
    ...lines,
    ...keep.map(
      ({ id, because, finishedAt }) => `keeps ${id} of ${seconds(finishedAt)}: ${REASONS[because]}`,
    ),
    ...remarks,
  ].join('\n');
}
