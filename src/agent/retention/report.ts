import type { ArchiveOverview } from '../../archive/catalog/overview.ts';
import type { DrillResult } from '../../archive/drill/result.ts';
import type { CatalogReport, DrillSummary } from '../../http/catalog-report.ts';
import type { Jobs } from './jobs.ts';
import type { ArchiveWatch } from './watch.ts';

/** The state of the archive as `/v1/status` and the metrics tell it. */
export function catalogReport(
  { seen, drills }: Pick<ArchiveWatch, 'seen' | 'drills'>,
  jobs: Pick<Jobs, 'outcomeOf'>,
): CatalogReport {
  return {
    backups: seen?.backups.length ?? null,
    holes: seen?.holes.length ?? null,
    firstRecoverable: seen === null ? null : firstRecoverable(seen),
    storedBytes:
      seen === null ? null : seen.backups.reduce((sum, { storedBytes }) => sum + storedBytes, seen.walBytes),
    lastDrill: drillSummary(drills.last),
    lastGoodDrill: drillSummary(drills.lastGood),
    retention: jobs.outcomeOf('retention'),
    verify: jobs.outcomeOf('verify'),
  };
}

/** The earliest time that can be restored to on the way to the timeline that the cluster is on. */
function firstRecoverable({ intervals, timeline }: ArchiveOverview): string | null {
  return intervals.find((interval) => interval.timeline === timeline)?.fromTime ?? null;
}

function drillSummary(result: DrillResult | null): DrillSummary | null {
  if (result === null) return null;
  const { ok, member, backup, startedAt, endedAt, rows, lastCommitAt } = result;
  const failure = ok ? null : failureOf(result);
  return { ok, member, backup, startedAt, endedAt, rows, lastCommitAt, failure };
}

function failureOf({ error, checks, amcheck }: DrillResult): string {
  if (error !== null) return error.message;
  const failed = checks
    .filter(({ ok }) => !ok)
    .map(({ name, said }) => `the check "${name}" failed: ${said}`);
  if (amcheck === 'failed') failed.unshift('pg_amcheck found damage');
  return failed.join('; ');
}
