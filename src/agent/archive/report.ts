import type { ArchiveStatus } from '../../archive/archiver.ts';
import type { ArchiveFailure, ArchiveReport } from '../../http/archive-report.ts';
import type { MemberStatus } from '../../http/ports.ts';

/** Below this share of the volume a person should look: WAL that cannot be archived is never dropped. */
const LOW_SPACE = 0.1;

/** The archive as `/v1/status` tells it. */
export function archiveReport(status: ArchiveStatus): ArchiveReport {
  const { failing, tailFailing, lastArchived, tail } = status;
  const failures: ArchiveFailure[] = [];
  if (failing !== null) failures.push({ ...failing, since: failing.since.toISOString() });
  if (tailFailing !== null)
    failures.push({ ...tailFailing, file: null, since: tailFailing.since.toISOString() });
  return {
    url: status.url,
    creation: status.creation,
    lastArchived:
      lastArchived === null ? null : { file: lastArchived.file, at: lastArchived.at.toISOString() },
    archived: status.archivedCount,
    failed: status.failedCount,
    waiting: status.waiting,
    tail: tail === null ? null : { position: tail.position, currentAt: tail.currentAt.toISOString() },
    failing: failures,
    freeSpace: status.freeSpace,
  };
}

/** What of it a person should look at. */
export function archiveProblems(report: ArchiveReport): MemberStatus['problems'] {
  const problems = new Map(
    report.failing.map(({ code, message, remedy }) => [code, { code, message, remedy }] as const),
  );
  if (report.freeSpace !== null && report.freeSpace < LOW_SPACE) {
    problems.set('ARCHIVE_LOW_SPACE', {
      code: 'ARCHIVE_LOW_SPACE',
      message: `only ${Math.round(report.freeSpace * 100)} % of the volume with WAL is free, and ${report.waiting} files wait to be archived`,
      remedy:
        'Mend what keeps WAL from the archive, or give the volume more room: no WAL is dropped to save it.',
    });
  }
  return [...problems.values()];
}
